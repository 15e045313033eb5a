"""Annotations and boxes against the pixels, when a dataset is loaded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from mmdet_ohem.proposals import (
    ImageListDataset,
    box_checks,
    checked_data,
    load_proposals,
    save_proposals,
)
from tests.proposals.test_voc_proposal_dataset import (
    CAT,
    DOG,
    PKL,
    TRAIN_PIPELINE,
    gt_boxes,
    load,
    two,
)
from tests.voc_folder import Picture, Thing, write_voc

LIST = 'VOC2007/ImageSets/Main/trainval.txt'
JPEGS = 'VOC2007/JPEGImages'
XMLS = 'VOC2007/Annotations'


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warnings of the data set."""
    found: list[str] = []
    monkeypatch.setattr(
        box_checks, 'print_log', lambda text, **_: found.append(text)
    )
    return found


@pytest.fixture
def summary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that sum the data set up."""
    found: list[str] = []
    monkeypatch.setattr(
        checked_data, 'print_log', lambda text, **_: found.append(text)
    )
    return found


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Change an annotation."""
    path = root / XMLS / f'{name}.xml'
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def resave(root: Path, name: str, suffix: str) -> None:
    """Save an image in another format, and rename its proposals."""
    old = root / JPEGS / f'{name}.jpg'
    Image.open(old).save(old.with_suffix(suffix))
    old.unlink()
    entries = load_proposals(root / PKL)
    key = f'JPEGImages/{name}'
    entries[key + suffix] = entries.pop(f'{key}.jpg')
    save_proposals(root / PKL, entries)


@pytest.mark.parametrize('suffix', ['.png', '.JPG', '.jpeg', '.webp', '.tif'])
def test_mixed_suffixes_are_trained_on(
    tmp_path: Path, messages: list[str], suffix: str
) -> None:
    root = write_voc(tmp_path, two())
    resave(root, 'b', suffix)
    dataset = load(root, pipeline=TRAIN_PIPELINE)
    names = [Path(dataset.get_data_info(i)['img_path']).name for i in (0, 1)]
    assert names == ['a.jpg', f'b{suffix}']
    sample = dataset[1]['data_samples']
    assert len(sample.proposals) == len(sample.gt_instances) == 1
    assert messages == []


def test_two_files_of_a_name_are_an_error(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    cv2.imwrite(str(root / JPEGS / 'b.png'), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r'first is b\.jpg and b\.png'):
        load(root)
    assert len(load(root, img_suffix='.jpg')) == 2


@pytest.mark.parametrize(
    'text', ['\ufeffa\r\nb\r\n', ' a \n\nb\n\n', 'a.jpg\nb.jpg\n']
)
def test_a_list_may_look_as_for_the_tools(tmp_path: Path, text: str) -> None:
    root = write_voc(tmp_path, two())
    (root / LIST).write_text(text)
    dataset = load(root)
    assert [dataset.get_data_info(i)['img_id'] for i in (0, 1)] == ['a', 'b']


def test_an_image_that_is_listed_again_is_counted(
    tmp_path: Path, messages: list[str], summary: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    (root / LIST).write_text('a\nb\na\na\n')
    assert len(load(root)) == 4
    assert summary[2].endswith('changed: 2 images listed again')
    assert messages == []
    load(root, test_mode=True)
    assert '1 image is listed more than once: a' in messages[0]


def test_a_missing_image_is_named_with_what_there_is(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    path = root / JPEGS / 'b.jpg'
    path.rename(path.with_suffix('.heic'))
    with pytest.raises(FileNotFoundError, match=r'b\.jpg \(there is b\.heic'):
        load(root)
    path.with_suffix('.heic').unlink()
    with pytest.raises(FileNotFoundError, match='none with another suffix'):
        load(root)


def test_a_class_list_of_voc_is_explained(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    (root / LIST).write_text('a -1\nb  1\n')
    with pytest.raises(ValueError, match='lists of one class'):
        load(root)


def shrunk(root: Path) -> Path:
    """The second image has half the size that its annotation says."""
    write_voc(root, two(things=[DOG, CAT]))
    path = root / JPEGS / 'b.jpg'
    Image.open(path).resize((50, 40)).save(path)
    return root


def test_the_image_decides_where_the_annotation_contradicts_it(
    tmp_path: Path, messages: list[str]
) -> None:
    info = load(shrunk(tmp_path)).get_data_info(1)
    assert (info['width'], info['height']) == (50, 40)
    # Ground truth and proposals are clipped to the image, and kept.
    expected = [[10, 20, 40, 40], [0, 0, 50, 40]]
    assert gt_boxes(info) == info['proposals']['bboxes'].tolist() == expected
    assert len(messages) == 3
    assert 'b (100 x 80, image 50 x 40)' in messages[0]
    assert 'resized after' in messages[0]
    assert 'clipped 2 ground-truth boxes in 1 image' in messages[1]
    assert 'clipped 2 boxes in 1 image' in messages[2]


def test_each_contradiction_is_named(
    tmp_path: Path, messages: list[str]
) -> None:
    pictures = {f'{i:02}': Picture([DOG]) for i in range(12)}
    root = write_voc(tmp_path, pictures)
    for name in pictures:
        edit(root, name, '<width>100<', '<width>99<')
    load(root)
    assert all(f'{name} (99 x 80, image' in messages[0] for name in pictures)


def test_an_annotation_that_heeds_no_exif_is_told_apart(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    exif = Image.Exif()
    exif[0x0112] = 6
    path = root / JPEGS / 'a.jpg'
    Image.open(path).save(path, exif=exif)
    info = load(root, proposal_file=None).get_data_info(0)
    assert (info['width'], info['height']) == (80, 100)
    assert 'EXIF orientation' in messages[0]
    messages.clear()
    step = dict(
        type='LoadImageFromFile', color_type='color_ignore_orientation'
    )
    info = load(root, pipeline=[step]).get_data_info(0)
    assert (info['width'], info['height']) == (100, 80)
    assert messages == []


@pytest.mark.parametrize('new', ['<width>0<', '<width><', '<breadth>9<'])
def test_a_size_that_says_nothing_is_fine(
    tmp_path: Path, messages: list[str], new: str
) -> None:
    root = write_voc(tmp_path, two())
    if 'breadth' in new:
        edit(root, 'a', '<width>100</width>', '')
    else:
        edit(root, 'a', '<width>100<', new)
    info = load(root).get_data_info(0)
    assert (info['width'], info['height']) == (100, 80)
    assert messages == []


def test_ground_truth_beyond_the_image_is_clipped_and_counted(
    tmp_path: Path, messages: list[str]
) -> None:
    things = [Thing('dog', (-1, 20, 40, 99)), CAT]
    root = write_voc(tmp_path, two(things=things))
    assert gt_boxes(load(root, proposal_file=None).get_data_info(1)) == [
        [0, 20, 40, 80],
        list(CAT.box),
    ]
    assert len(messages) == 1
    assert 'clipped 1 ground-truth box in 1 image' in messages[0]
    messages.clear()
    tested = load(root, proposal_file=None, test_mode=True).get_data_info(1)
    assert gt_boxes(tested) == [[-1, 20, 40, 99], list(CAT.box)]
    assert messages == []


@pytest.mark.parametrize(
    ('convert', 'guess'),
    [
        (lambda box: box / [100, 80, 100, 80], 'from 0 to 1'),
        (lambda box: box[:, [1, 0, 3, 2]], r'\(y1, x1, y2, x2\)'),
        (
            lambda box: np.concatenate([box[:, :2], box[:, 2:] - box[:, :2]]),
            r'\(x, y, width, height\)',
        ),
    ],
)
@pytest.mark.parametrize('test_mode', [False, True])
def test_proposals_of_another_layout_are_refused_with_a_guess(
    tmp_path: Path,
    convert: Callable[[np.ndarray], np.ndarray],
    guess: str,
    test_mode: bool,
) -> None:
    boxes = np.array([[60, 50, 80, 60], [70, 30, 100, 50], [30, 40, 50, 77.0]])
    given = convert(boxes).reshape(-1, 4)
    if 'width' in guess:
        sizes = boxes[:, 2:] - boxes[:, :2]
        given = np.concatenate([boxes[:, :2], sizes], 1)
    pictures = {name: Picture([DOG], proposals=given) for name in 'ab'}
    root = write_voc(tmp_path, pictures)
    with pytest.raises(ValueError, match=f'They look like .*{guess}') as info:
        load(root, test_mode=test_mode)
    assert str(root / PKL) in str(info.value)


@pytest.mark.parametrize('damage', [lambda _: b'', lambda x: x[:2000]])
def test_an_image_that_cannot_be_read_is_found_at_load(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    root = write_voc(tmp_path, two())
    path = root / JPEGS / 'b.jpg'
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ValueError, match=r'1 of 2 images of .* cannot'
    ) as info:
        load(root)
    assert str(path) in str(info.value)


@pytest.mark.parametrize('num_workers', [0, 1])
def test_an_image_that_was_damaged_later_is_named_when_drawn(
    tmp_path: Path, num_workers: int
) -> None:
    root = write_voc(tmp_path, two())
    dataset = load(root, pipeline=TRAIN_PIPELINE)
    path = root / JPEGS / 'b.jpg'
    path.write_bytes(b'')
    loader: DataLoader = DataLoader(
        dataset, batch_size=None, num_workers=num_workers, shuffle=False
    )
    with pytest.raises(RuntimeError, match=r'b\.jpg.*cannot be prepared'):
        list(loader)


@pytest.mark.parametrize('text', ['', 'Unspecified'])
def test_difficult_without_a_number_is_0_and_counted(
    tmp_path: Path, messages: list[str], text: str
) -> None:
    root = write_voc(tmp_path, two())
    edit(root, 'a', '<difficult>0<', f'<difficult>{text}<')
    (instance,) = load(root).get_data_info(0)['instances']
    assert instance['ignore_flag'] == 0
    assert len(messages) == 1
    assert '1 object in 1 image says neither 0 nor 1' in messages[0]


@pytest.mark.parametrize('test_mode', [False, True])
def test_malformed_annotations_are_all_counted_and_named(
    tmp_path: Path, test_mode: bool
) -> None:
    root = write_voc(tmp_path, two())
    edit(root, 'a', '<xmin>11<', '<xmin>12,5<')
    (root / XMLS / 'b.xml').write_text('<annotation>')
    with pytest.raises(ValueError, match=r'2 of 2 annotations of .*') as info:
        load(root, test_mode=test_mode)
    text = str(info.value)
    assert f"{root / XMLS / 'a.xml'}: object 1 (dog), xmin is '12,5'" in text
    assert f'{root / XMLS / "b.xml"}: it is no XML' in text


@pytest.mark.parametrize(
    ('classes', 'message'),
    [
        (('dog'), r"classes=\('dog',\), with a comma"),
        (('dog', 'cat', 'dog'), "'dog' 2 times"),
        ((), 'expected the names of the classes'),
        (('dog', 5), "has 5, expected names.*such as '5'"),
        (('dog ', 'cat'), "has 'dog '.*such as 'dog'"),
        (('dog', ''), "has ''"),
    ],
)
@pytest.mark.parametrize('lazy_init', [False, True])
def test_classes_that_are_no_names(
    tmp_path: Path, classes: Any, message: str, lazy_init: bool
) -> None:
    root = write_voc(tmp_path, two())
    with pytest.raises(ValueError, match=message):
        load(root, metainfo=dict(classes=classes), lazy_init=lazy_init)


def test_classes_may_be_in_a_file(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    path = tmp_path / 'classes.txt'
    path.write_text('cat\ndog\n')
    dataset = load(root, metainfo=dict(classes=str(path)))
    (instance,) = dataset.get_data_info(0)['instances']
    assert instance['bbox_label'] == 1


def test_three_lines_sum_the_dataset_up(
    tmp_path: Path, summary: list[str]
) -> None:
    hard = Thing('dog', DOG.box, difficult=1)
    beyond = Thing('cat', (-1, 0, 9, 9))
    pictures = {
        'a': Picture([DOG, hard, beyond]),
        'b': Picture([hard]),
        'c': Picture([], proposals=[DOG.box]),
        'd': Picture([Thing('cow', DOG.box)]),
    }
    root = write_voc(tmp_path, pictures)
    classes = ('cat', 'dog', 'owl')
    dataset = load(
        root,
        metainfo=dict(classes=classes),
        filter_cfg=dict(filter_empty_gt=True),
    )
    assert len(dataset) == 2
    source = f'{root / LIST}: '
    assert summary == [
        f'{source}4 images: 1 with objects, 2 without, 1 with only difficult '
        '(or crowded) ones',
        f'{source}objects: dog 3 (2 difficult), cat 1, none of owl',
        f'{source}left out or changed: 1 object of other classes; 1 object '
        'beyond the image; 1 proposals beyond the image; 2 images by '
        'filter_cfg',
    ]


def test_nothing_but_difficult_objects_is_an_error_in_training(
    tmp_path: Path,
) -> None:
    hard = Thing('dog', DOG.box, difficult=1)
    root = write_voc(tmp_path, {'a': Picture([hard]), 'b': Picture([hard])})
    with pytest.raises(
        ValueError, match=r'2 with only difficult .*Remedy: tr'
    ):
        load(root)
    assert len(load(root, train_on_difficult=True)) == 2
    assert len(load(root, test_mode=True)) == 2


def test_background_images_are_kept_by_a_key_also_without_xml(
    tmp_path: Path, summary: list[str]
) -> None:
    pictures = {
        'a': Picture([DOG]),
        'b': Picture([], proposals=[DOG.box]),
        'c': Picture([], proposals=[DOG.box]),
    }
    root = write_voc(tmp_path, pictures)
    (root / XMLS / 'c.xml').unlink()
    with pytest.raises(FileNotFoundError, match='allow_no_annotation=True'):
        load(root)
    dataset = load(
        root,
        allow_no_annotation=True,
        filter_cfg=dict(filter_empty_gt=False),
        pipeline=TRAIN_PIPELINE,
    )
    assert len(dataset) == 3
    assert '1 image without annotation' in summary[2]
    sample = dataset[2]['data_samples']
    assert len(sample.gt_instances) == 0
    assert len(sample.proposals) == 1


def test_small_objects_are_left_out_as_by_mmdet(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    dataset = load(root, filter_cfg=dict(bbox_min_size=30))
    flags = [
        [x['ignore_flag'] for x in dataset.get_data_info(i)['instances']]
        for i in (0, 1)
    ]
    # The dog is 30 x 40 pixels; mmdet counts 29.
    assert flags == [[1], [0]]


def test_images_without_annotations_get_the_same_look(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    resave(root, 'b', '.png')
    config: dict[str, Any] = dict(
        data_root=str(root),
        ann_file=LIST,
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file=PKL,
    )
    dataset = ImageListDataset(**config)
    assert dataset.get_data_info(1)['img_path'].endswith('b.png')
    (root / JPEGS / 'b.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'b\.png: it is no image'):
        ImageListDataset(**config)
