"""Own data from a folder, whatever it looks like."""

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.config import Config

from mmdet_ohem.commands import main
from mmdet_ohem.own_data import (
    OwnData,
    checked,
    make_plan,
    propose,
    read_folder,
    with_splits,
)
from mmdet_ohem.own_data.propose import choose_num, note_on_num
from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.make import MakeResult
from mmdet_ohem.proposals.proposal_file import make_entry, proposal_key
from tests.own_data.folders import (
    cells,
    coco,
    one_animal,
    playing_cards,
    with_mistakes,
    write_image,
    write_xml,
    yolo,
)

FOLDERS = {
    'one animal': (one_animal, 'voc', (8, 2), ['cat']),
    'cards': (playing_cards, 'voc', (8, 4), ['cat', 'dog']),
    'cells': (cells, 'voc', (5, 2), ['cat']),
    'yolo': (yolo, 'yolo', (5, 3), ['cat', 'dog']),
    'coco': (coco, 'coco', (4, 4), ['cat']),
}


def prepare(folder: Path, **kwargs: Any) -> OwnData:
    return with_splits(checked(read_folder(folder), **kwargs))


@pytest.mark.parametrize('name', FOLDERS)
def test_what_people_publish_is_understood(name: str, tmp_path: Path) -> None:
    make, format, sizes, classes = FOLDERS[name]
    data = prepare(make(tmp_path / name))
    assert data.format == format
    assert (len(data.of('train')), len(data.of('test'))) == sizes
    assert list(data.classes) == classes
    assert data.mistake_lines() == [] or name in ('cards', 'yolo', 'coco')


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> int:
        argv = ['mmdet-ohem', 'init', *map(str, words)]
        monkeypatch.setattr(sys, 'argv', argv)
        return main()

    return call


@pytest.mark.parametrize('detector', ['fast_rcnn', 'faster_rcnn'])
@pytest.mark.parametrize('name', FOLDERS)
def test_the_config_loads_its_data(
    name: str, detector: str, call: Callable[..., int], tmp_path: Path
) -> None:
    make, _, sizes, classes = FOLDERS[name]
    folder = make(tmp_path / f'my {name}')
    options = ['--no-proposals', '--detector', detector, '--out', 'made here']
    assert call(folder, *options) == 0
    (path,) = (tmp_path / 'made here').glob('*.py')
    config = Config.fromfile(path)
    assert config.model.roi_head.bbox_head.num_classes == len(classes)
    for split, num in zip(('train', 'test'), sizes, strict=True):
        dataset = config[f'{split}_dataloader'].dataset
        if detector == 'fast_rcnn':
            write_proposals(Path(dataset.ann_file), folder)
        built: Any = DATASETS.build(dataset)
        assert len(built) == num
        sample = built[0]['data_samples']
        assert sample.metainfo['img_shape'][0] > 200
    assert config.train_cfg.max_iters == 1500
    assert config.test_evaluator.eval_mode == 'area'
    # What it made is not taken for data of the folder.
    assert call(folder, *options) == 0


def test_proposals_are_made_and_kept(
    call: Callable[..., int], tmp_path: Path
) -> None:
    pytest.importorskip('cv2.ximgproc')
    folder = one_animal(tmp_path / 'my animal', 3)
    assert call(folder, '--workers', '1') == 0
    files = sorted((tmp_path / 'my_animal_ohem/proposals').iterdir())
    assert [x.name for x in files] == [
        'test.safetensors',
        'train.safetensors',
    ]
    (path,) = (tmp_path / 'my_animal_ohem').glob('*.py')
    for split in ('train', 'test'):
        dataset = Config.fromfile(path)[f'{split}_dataloader'].dataset
        built: Any = DATASETS.build(dataset)
        assert len(built.get_data_info(0)['proposals']['bboxes']) > 1
    assert call(folder, '--workers', '1') == 0


def test_a_config_that_was_edited_stays(
    call: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    folder = one_animal(tmp_path / 'x')
    config = tmp_path / 'x_ohem/x.py'
    assert call(folder, '--no-proposals', '--max-iters', '8') == 0
    assert call(folder, '--no-proposals', '--max-iters', '9') == 0
    assert 'max_iters = 9 ' in config.read_text()
    mine = config.read_text().replace('max_iters = 9 ', 'max_iters = 7 ')
    config.write_text(mine)
    capsys.readouterr()
    assert call(folder, '--no-proposals', '--max-iters', '10') == 0
    assert config.read_text() == mine
    assert 'x.py was edited and stays as it is' in capsys.readouterr().out
    assert 'max_iters = 10 ' in config.with_name('x.new.py').read_text()


def write_proposals(ann_file: Path, folder: Path) -> None:
    images = json.loads(ann_file.read_text())['images']
    save_proposals(
        ann_file.parent / f'proposals/{ann_file.stem}.safetensors',
        {
            proposal_key(folder / x['file_name']): make_entry(
                np.array([[0, 0, x['width'], x['height']]])
            )
            for x in images
        },
    )


def test_mistakes_are_named(tmp_path: Path) -> None:
    data = prepare(with_mistakes(tmp_path / 'x'))
    found = {kind: names for kind, names in data.mistakes.items() if names}
    lines = '\n'.join(data.mistake_lines())
    for text in (
        '00000.jpg',  # twice
        '00001.jpg',  # without area
        '00002.jpg',  # beyond the image
        '00003.xml',  # malformed
        '00004.jpg',  # no image
        '00005.jpg = images/00006.jpg',
        '00007.jpg (80 x 100, image 100 x 80)',
        '99999.xml',  # no image of this name
        "'Cat' (1) and 'cat'",
    ):
        assert text in lines, (text, found)
    names = [data.name(x) for x in data.pictures]
    assert 'images/00003.jpg' not in names
    assert 'images/00004.jpg' not in names
    boxes = {data.name(x): x.things for x in data.pictures}
    assert len(boxes['images/00000.jpg'] or ()) == 2
    assert boxes['images/00001.jpg'] == ()
    assert (boxes['images/00002.jpg'] or ())[0].box == (90, 10, 100, 60)


def test_a_polygon_is_the_box_around_it(tmp_path: Path) -> None:
    data = prepare(yolo(tmp_path / 'x'))
    (picture,) = (
        x for x in data.pictures if data.name(x) == 'train/images/0.png'
    )
    assert picture.things is not None
    assert picture.things[0].name == 'cat'
    assert picture.things[0].box == pytest.approx((10, 8, 30, 48))


def test_crowds_are_ignored_and_unused_classes_left_out(
    tmp_path: Path,
) -> None:
    data = prepare(coco(tmp_path / 'x'))
    ignored = [x.ignored for x in data.things()]
    assert Counter(ignored) == {False: 4, True: 2}
    assert data.classes == ('cat',)


def test_images_without_annotation_are_background_on_demand(
    tmp_path: Path,
) -> None:
    folder = one_animal(tmp_path / 'x')
    write_image(folder / 'images/empty.jpg', 99)
    assert len(prepare(folder).pictures) == 10
    assert any('1 image has no annotation' in x for x in prepare(folder).notes)
    data = prepare(folder, background=True)
    assert len(data.pictures) == 11


def test_a_drawn_split_is_the_same_again_and_moves_little(
    tmp_path: Path,
) -> None:
    folder = one_animal(tmp_path / 'x', 40)

    def tested() -> set[str]:
        data = prepare(folder)
        return {data.name(x) for x in data.of('test')}

    before = tested()
    assert before == tested() and len(before) == 8
    write_image(folder / 'images/new.jpg', 99)
    write_xml(folder / 'annotations/new.xml', [])
    assert len(before - tested()) <= 1


@pytest.mark.parametrize(
    ('files', 'message'),
    [
        ([], 'has no image file'),
        (['images/a.jpg'], 'no annotation in VOC xml'),
    ],
)
def test_nothing_to_learn_is_told(
    files: list[str], message: str, call: Callable[..., int], tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    (tmp_path / 'x').mkdir()
    for name in files:
        write_image(tmp_path / 'x' / name, 0)
    assert call(tmp_path / 'x') == 2
    assert message in capsys.readouterr().err


def test_two_formats_have_to_be_told_apart(tmp_path: Path) -> None:
    folder = coco(tmp_path / 'x')
    write_xml(folder / 'train2017/0.xml', [])
    with pytest.raises(ValueError, match='2 formats: voc, coco'):
        read_folder(folder)
    assert read_folder(folder, 'coco').format == 'coco'


def test_a_folder_of_others_is_not_written_into(
    call: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    folder = one_animal(tmp_path / 'x')
    assert call(folder, '--out', folder) == 2
    assert 'was not made by mmdet-ohem init' in capsys.readouterr().err


def test_the_schedule_is_that_of_voc_for_as_many_images(
    tmp_path: Path,
) -> None:
    data = prepare(one_animal(tmp_path / 'x'))
    plan = make_plan(data, 800)
    assert plan.milestones == (300, 600)
    assert plan.interval == 200
    assert make_plan(data).max_iters == 1500
    # 80 pixels become 240 at the least; 1000 / 600 is VOC's shape.
    assert plan.scale == (400, 240)


@pytest.mark.parametrize(
    ('num_rois', 'num'),
    [(0, 8), (50, 8), (77, 8), (128, 16), (500, 32), (512, 64), (2000, 64)],
)
def test_num_is_at_most_an_eighth_of_the_rois(num_rois: int, num: int) -> None:
    assert choose_num(num_rois) == num
    assert num <= max(8, num_rois / 8)
    poor = 'little to choose from' in note_on_num(num, num_rois)
    assert poor == (num_rois < 64)


def test_the_config_has_num_by_the_number_of_proposals(
    call: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    def make(images: dict, out: Path, **keys: Any) -> MakeResult:
        return MakeResult(out, [130] * len(images), 0, [], 0.0)

    monkeypatch.setattr(propose, 'make_proposals', make)
    assert call(one_animal(tmp_path / 'x', 3)) == 0
    config = Config.fromfile(tmp_path / 'x_ohem/x.py')
    assert config.model.train_cfg.rcnn.sampler.num == 16
    assert '130 proposals (median), and OHEM trains on the 16 hardest' in (
        capsys.readouterr().out
    )
