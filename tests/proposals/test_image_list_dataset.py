"""Images without annotations get the checks of those that have them."""

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet_ohem.proposals import (
    ImageListDataset,
    VOCProposalDataset,
    box_checks,
    load_proposals,
    save_proposals,
)
from tests.voc_folder import Box, Picture, Thing, write_voc

LIST = 'VOC2007/ImageSets/Main/test.txt'
PKL = 'proposals/voc_2007_test.pkl'
DOG = Thing('dog', (10, 20, 40, 60))
PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadProposals'),
    dict(
        type='ProposalBroadcaster',
        transforms=[dict(type='Resize', scale=(200, 200), keep_ratio=True)],
    ),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs'),
]


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warnings of the data set."""
    found: list[str] = []
    monkeypatch.setattr(
        box_checks, 'print_log', lambda text, **_: found.append(text)
    )
    return found


def without_annotations(root: Path, *proposals: Box) -> Path:
    """Two images, 100 x 80 and 60 x 50, and no XML."""
    boxes = proposals or (DOG.box,)
    pictures = {
        'b': Picture([DOG], proposals=boxes),
        'a': Picture([DOG], width=60, height=50, proposals=[(1, 2, 3, 4)]),
    }
    write_voc(root, pictures)
    shutil.rmtree(root / 'VOC2007/Annotations')
    return root


def settings(root: Path) -> dict[str, Any]:
    return dict(
        data_root=str(root),
        ann_file=LIST,
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file=PKL,
        pipeline=PIPELINE,
        test_mode=True,
    )


def test_images_in_the_order_of_the_list_with_size_and_proposals(
    tmp_path: Path, messages: list[str]
) -> None:
    root = without_annotations(tmp_path)
    dataset = ImageListDataset(**settings(root))
    found = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [x['img_id'] for x in found] == ['b', 'a']
    assert [(x['width'], x['height']) for x in found] == [(100, 80), (60, 50)]
    assert found[0]['img_path'] == str(root / 'VOC2007/JPEGImages/b.jpg')
    assert found[1]['proposals']['bboxes'].tolist() == [[1, 2, 3, 4]]
    assert messages == []


def test_the_test_pipeline_finds_no_object_in_it(tmp_path: Path) -> None:
    root = without_annotations(tmp_path)
    sample = ImageListDataset(**settings(root))[0]['data_samples']
    assert len(sample.gt_instances) == len(sample.ignored_instances) == 0
    assert sample.proposals.bboxes.tolist() == [[20, 40, 80, 120]]
    assert sample.ori_shape == (80, 100)


def test_it_is_like_the_dataset_with_annotations(tmp_path: Path) -> None:
    write_voc(tmp_path, {'b': Picture([DOG])})
    listed = ImageListDataset(**settings(tmp_path))
    annotated = VOCProposalDataset(**settings(tmp_path))
    assert listed.metainfo['classes'] == annotated.metainfo['classes']
    ours, theirs = listed.get_data_info(0), annotated.get_data_info(0)
    for key in ('img_id', 'img_path', 'width', 'height'):
        assert ours[key] == theirs[key]


def test_proposals_are_clipped_to_the_size_that_was_read(
    tmp_path: Path, messages: list[str]
) -> None:
    root = without_annotations(tmp_path, (-5, 3, 120, 90), (200, 0, 300, 9))
    dataset = ImageListDataset(**settings(root))
    boxes = dataset.get_data_info(0)['proposals']['bboxes']
    assert boxes.tolist() == [[0, 3, 100, 80]]
    assert any('clipped 1 box' in text for text in messages)
    assert any('without area' in text for text in messages)


def test_an_image_that_exif_turns_has_the_size_of_the_pixels_loaded(
    tmp_path: Path,
) -> None:
    root = without_annotations(tmp_path)
    path = root / 'VOC2007/JPEGImages/b.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((80, 100, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)
    found = ImageListDataset(**settings(root)).get_data_info(0)
    image = cv2.imread(str(path))
    assert image is not None
    height, width = image.shape[:2]
    assert (found['width'], found['height']) == (width, height) == (80, 100)


def test_a_missing_image_is_an_error_before_any_is_read(
    tmp_path: Path,
) -> None:
    root = without_annotations(tmp_path)
    (root / 'VOC2007/JPEGImages/a.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 2 images.*a\.jpg'):
        ImageListDataset(**settings(root))


def test_an_image_without_entry_is_an_error(tmp_path: Path) -> None:
    root = without_annotations(tmp_path)
    entries = load_proposals(root / PKL)
    del entries['JPEGImages/a.jpg']
    save_proposals(root / PKL, entries)
    with pytest.raises(ValueError, match='has no proposals for 1 of 2'):
        ImageListDataset(**settings(root))


@pytest.mark.parametrize(
    ('text', 'message'), [('', 'is empty'), ('a\nb\na\n', "has 'a' twice")]
)
def test_a_list_that_the_server_would_not_take_is_an_error(
    tmp_path: Path, text: str, message: str
) -> None:
    root = without_annotations(tmp_path)
    (root / LIST).write_text(text)
    with pytest.raises(ValueError, match=message):
        ImageListDataset(**settings(root))


def test_it_is_not_for_training(tmp_path: Path) -> None:
    root = without_annotations(tmp_path)
    with pytest.raises(ValueError, match='no annotations to train on'):
        ImageListDataset(**settings(root) | dict(test_mode=False))


def test_names_classes_and_folders_of_ones_own(tmp_path: Path) -> None:
    root = without_annotations(tmp_path)
    (root / 'VOC2007/JPEGImages').rename(root / 'pngs')
    for path in (root / 'pngs').glob('*.jpg'):
        path.rename(path.with_suffix('.png'))
    dataset = ImageListDataset(
        data_root=str(root),
        ann_file=LIST,
        data_prefix=dict(sub_data_root=''),
        img_subdir='pngs',
        img_suffix='.png',
        metainfo=dict(classes=('shoe',)),
    )
    assert dataset.get_data_info(0)['img_path'] == str(root / 'pngs/b.png')
    assert dataset.metainfo['classes'] == ('shoe',)
