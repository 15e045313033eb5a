"""What the data set makes of good and of bad data."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate

from mmdet_ohem.proposals import (
    VOCProposalDataset,
    box_checks,
    load_proposals,
    save_proposals,
)
from tests.tiny import rcnn_train_cfg
from tests.voc_folder import Picture, Thing, write_voc

PKL = 'proposals/voc_2007_trainval.pkl'
JPEG = 'JPEGImages/{}.jpg'
DOG = Thing('dog', (10, 20, 40, 60))
CAT = Thing('cat', (0, 0, 100, 80))
TRAIN_PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadProposals'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='ProposalBroadcaster',
        transforms=[dict(type='Resize', scale=(128, 128), keep_ratio=True)],
    ),
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


def two(**of_second: Any) -> dict[str, Picture]:
    """A flawless image and one with the given flaws."""
    return {
        'a': Picture([DOG]),
        'b': Picture(**dict(things=[CAT]) | of_second),
    }


def load(root: Path, **kwargs: Any) -> VOCProposalDataset:
    """The training split, as the configs build it."""
    config: dict[str, Any] = dict(
        data_root=str(root),
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file=PKL,
        pipeline=[],
    )
    return VOCProposalDataset(**config | kwargs)


def gt_boxes(data_info: dict) -> list[list[int]]:
    return [instance['bbox'] for instance in data_info['instances']]


def test_boxes_count_from_zero_and_proposals_are_joined(
    tmp_path: Path, messages: list[str]
) -> None:
    dataset = load(write_voc(tmp_path, two(proposals=[[1, 2, 3.5, 4]])))
    first, second = dataset.get_data_info(0), dataset.get_data_info(1)
    assert gt_boxes(first) == [list(DOG.box)]
    assert (first['width'], first['height']) == (100, 80)
    assert first['proposals']['bboxes'].tolist() == [list(DOG.box)]
    assert second['proposals']['bboxes'].tolist() == [[1, 2, 3.5, 4]]
    assert messages == []


def test_ground_truth_without_area_is_left_out_with_one_warning(
    tmp_path: Path, messages: list[str]
) -> None:
    bad = [
        Thing('dog', (10, 20, 10, 60)),  # xmin == xmax + 1
        Thing('dog', (10, 20, 40, 20)),
        Thing('cat', (200, 10, 240, 60)),  # outside the image
    ]
    pictures = {'a': Picture([DOG, bad[0]]), 'b': Picture([*bad, CAT])}
    dataset = load(write_voc(tmp_path, pictures), proposal_file=None)
    assert gt_boxes(dataset.get_data_info(0)) == [list(DOG.box)]
    assert gt_boxes(dataset.get_data_info(1)) == [list(CAT.box)]
    assert len(messages) == 1
    assert messages[0].startswith(str(tmp_path))
    assert '4 ground-truth boxes without area in 2 images: a, b' in messages[0]


def test_an_image_left_without_objects_is_filtered(tmp_path: Path) -> None:
    pictures = two(things=[Thing('dog', (10, 20, 10, 60))])
    root = write_voc(tmp_path, pictures)
    dataset = load(root, filter_cfg=dict(filter_empty_gt=True))
    assert [
        dataset.get_data_info(i)['img_id'] for i in range(len(dataset))
    ] == ['a']
    assert len(load(root)) == 2


def test_an_image_without_entry_is_an_error_with_the_remedy(
    tmp_path: Path,
) -> None:
    root = write_voc(tmp_path, two())
    entries = load_proposals(root / PKL)
    del entries[JPEG.format('b')]
    save_proposals(root / PKL, entries)
    with pytest.raises(
        ValueError, match='has no proposals for 1 of 2'
    ) as info:
        load(root)
    text = str(info.value)
    assert str(root / PKL) in text
    assert "'JPEGImages/b.jpg'" in text
    assert 'mmdet-ohem proposals make' in text


def test_surplus_entries_are_a_warning_that_names_them(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    entries = load_proposals(root / PKL)
    entries[JPEG.format('z')] = entries[JPEG.format('a')]
    save_proposals(root / PKL, entries)
    assert len(load(root)) == 2
    assert len(messages) == 1
    assert '1 entry is of images that' in messages[0]
    assert 'JPEGImages/z.jpg; it is not used' in messages[0]


def test_an_image_may_be_listed_twice(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    list_file = root / 'VOC2007/ImageSets/Main/trainval.txt'
    list_file.write_text('a\nb\na\n')
    dataset = load(root)
    boxes = [dataset.get_data_info(i)['proposals']['bboxes'] for i in (0, 2)]
    assert boxes[0].tolist() == boxes[1].tolist() == [list(DOG.box)]
    assert messages == []


def test_proposals_beyond_the_image_are_clipped_with_a_warning(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two(proposals=[[-5, 3, 120, 90], DOG.box]))
    boxes = load(root).get_data_info(1)['proposals']['bboxes']
    assert boxes.tolist() == [[0, 3, 100, 80], list(DOG.box)]
    assert len(messages) == 1
    assert 'clipped 1 box in 1 image' in messages[0]
    assert messages[0].startswith(str(root / PKL))


def test_proposals_without_area_are_left_out_with_a_warning(
    tmp_path: Path, messages: list[str]
) -> None:
    bad = [[5, 5, 5, 9], [300, 0, 400, 9], [9, 9, 2, 2]]
    root = write_voc(tmp_path, two(proposals=[*bad, DOG.box]))
    found = load(root).get_data_info(1)['proposals']
    assert found['bboxes'].tolist() == [list(DOG.box)]
    assert found['scores'].shape == (1,)
    assert len(messages) == 1
    assert 'left out 3 boxes in 1 image' in messages[0]
    assert 'without area inside the image: b.' in messages[0]


def test_nan_in_a_proposal_file_is_an_error_that_names_the_entry(
    tmp_path: Path,
) -> None:
    root = write_voc(tmp_path, two())
    boxes = np.array([[0, 0, 9, float('nan')]], np.float32)
    entries = {JPEG.format(name): dict(bboxes=boxes) for name in 'ab'}
    (root / PKL).write_bytes(pickle.dumps(entries))
    with pytest.raises(ValueError, match=r"entry 'JPEGImages/a.jpg'.*NaN"):
        load(root)


def test_boxes_that_are_not_finite_would_be_left_out(
    tmp_path: Path, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_voc(tmp_path, two())
    # A reader less strict than load_proposals.
    boxes = np.array([[0, 0, 9, float('nan')], DOG.box], np.float32)
    entry = dict(bboxes=boxes, scores=np.zeros(2, np.float32))
    monkeypatch.setattr(
        'mmdet_ohem.proposals.join_proposals.read_proposal_file',
        lambda *_: ({JPEG.format(name): entry for name in 'ab'}, True),
    )
    found = load(root).get_data_info(1)['proposals']['bboxes']
    assert found.tolist() == [list(DOG.box)]
    assert len(messages) == 1
    assert '2 boxes in 2 images that are not finite: a, b.' in messages[0]


def test_one_image_without_boxes_is_a_warning(
    tmp_path: Path, messages: list[str]
) -> None:
    dataset = load(write_voc(tmp_path, two(proposals=[])))
    boxes = dataset.get_data_info(1)['proposals']['bboxes']
    assert boxes.shape == (0, 4)
    assert len(messages) == 1
    assert '1 image has no usable box: b.' in messages[0]


@pytest.mark.parametrize('proposals', [[], [[5, 5, 5, 9]]])
def test_no_box_in_any_image_is_an_error(
    tmp_path: Path, proposals: list[list[float]]
) -> None:
    pictures = {
        name: Picture([DOG], proposals=np.array(proposals)) for name in 'ab'
    }
    root = write_voc(tmp_path, pictures)
    with pytest.raises(ValueError, match='has no usable box for any image'):
        load(root)


def test_the_list_format_of_mmdet_2_is_an_error_that_says_so(
    tmp_path: Path,
) -> None:
    root = write_voc(tmp_path, two())
    boxes = [np.zeros((1, 4), np.float32)] * 2
    (root / PKL).write_bytes(pickle.dumps(boxes))
    with pytest.raises(ValueError, match=r'list of 2 items, as for mmdet 2.x'):
        load(root)


def test_no_proposal_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    (root / PKL).unlink()
    with pytest.raises(FileNotFoundError, match=r'trainval\.pkl does not'):
        load(root)


@pytest.mark.parametrize('missing', ['JPEGImages/b.jpg', 'Annotations/b.xml'])
def test_a_listed_file_that_is_missing_is_an_error_that_names_it(
    tmp_path: Path, missing: str
) -> None:
    root = write_voc(tmp_path, two())
    (root / 'VOC2007' / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing) as info:
        load(root)
    assert 'trainval.txt' in str(info.value)
    assert 'Remedy' in str(info.value)


def test_an_empty_image_list_is_an_error(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    (root / 'VOC2007/ImageSets/Main/trainval.txt').write_text('')
    with pytest.raises(ValueError, match=r'trainval.txt lists no image'):
        load(root)


def test_objects_of_an_unknown_class_are_a_warning_that_names_them(
    tmp_path: Path, messages: list[str]
) -> None:
    things = [CAT, Thing('Dog', DOG.box), Thing('Dog', DOG.box)]
    dataset = load(write_voc(tmp_path, two(things=things)))
    assert gt_boxes(dataset.get_data_info(1)) == [list(CAT.box)]
    assert len(messages) == 1
    assert 'left out 2 objects of classes that are not among' in messages[0]
    assert "'Dog' in b" in messages[0]
    assert 'metainfo.classes' in messages[0]


def test_no_object_of_any_class_is_an_error(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    classes = ('Dog', 'Cat')
    with pytest.raises(ValueError, match=r"classes \('Dog', 'Cat'\)"):
        load(root, metainfo=dict(classes=classes))
    assert len(messages) == 1


def test_classes_of_ones_own(tmp_path: Path, messages: list[str]) -> None:
    pictures = two(things=[Thing('left shoe', DOG.box)])
    root = write_voc(tmp_path, pictures)
    dataset = load(root, metainfo=dict(classes=('dog', 'left shoe')))
    (instance,) = dataset.get_data_info(1)['instances']
    assert instance['bbox_label'] == 1
    assert messages == []


@pytest.mark.parametrize(
    ('settings', 'ignored'),
    [
        (dict(), 1),
        (dict(train_on_difficult=True), 0),
        (dict(test_mode=True), 1),
        (dict(train_on_difficult=True, test_mode=True), 1),
    ],
)
def test_difficult_objects(
    tmp_path: Path, settings: dict, ignored: int
) -> None:
    things = [CAT, Thing('dog', DOG.box, difficult=1)]
    dataset = load(write_voc(tmp_path, two(things=things)), **settings)
    flags = [x['ignore_flag'] for x in dataset.get_data_info(1)['instances']]
    assert flags == [0, ignored]


def tiny_detector() -> Any:
    """Fast R-CNN of a few thousand parameters."""
    backbone = dict(
        type='ResNet',
        depth=18,
        base_channels=4,
        stem_channels=4,
        num_stages=3,
        strides=(1, 2, 2),
        dilations=(1, 1, 1),
        out_indices=(2,),
    )
    extractor = dict(
        type='mmdet_ohem.RoIPoolExtractor',
        output_size=3,
        out_channels=16,
        featmap_stride=16,
    )
    bbox_head = dict(
        type='Shared2FCBBoxHead',
        in_channels=16,
        roi_feat_size=3,
        fc_out_channels=16,
        num_classes=20,
    )
    sampler = dict(type='mmdet_ohem.OHEMSampler', num=8)
    nms = dict(type='nms', iou_threshold=0.3)
    model = dict(
        type='FastRCNN',
        data_preprocessor=dict(
            type='DetDataPreprocessor', mean=[120] * 3, std=[60] * 3
        ),
        backbone=backbone,
        roi_head=dict(
            type='StandardRoIHead',
            bbox_roi_extractor=extractor,
            bbox_head=bbox_head,
        ),
        train_cfg=dict(rcnn=rcnn_train_cfg(sampler)),
        test_cfg=dict(rcnn=dict(score_thr=0.0, max_per_img=5, nms=nms)),
    )
    return MODELS.build(ConfigDict(model))


def bad_data(root: Path) -> Path:
    """Each kind of bad box, thin ones, and an image without proposals."""
    flat = Thing('dog', (10, 20, 10, 60))
    thin = Thing('dog', (10, 20, 11, 60))
    proposals = [[5, 5, 5, 9], [300, 0, 400, 9], [-9, -9, 200, 200], DOG.box]
    proposals += [thin.box, (7, 7, 8, 8)]
    pictures = {
        'a': Picture([DOG, flat, thin], proposals=np.array(proposals)),
        'b': Picture([CAT, Thing('dog', DOG.box, 1)], proposals=[]),
        'c': Picture([flat], proposals=np.array(proposals)),
    }
    return write_voc(root, pictures)


def test_losses_stay_finite_with_bad_data(
    tmp_path: Path, messages: list[str]
) -> None:
    dataset = load(bad_data(tmp_path), pipeline=TRAIN_PIPELINE)
    model = tiny_detector()
    batch = pseudo_collate([dataset[i] for i in range(len(dataset))])
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    total, values = model.parse_losses(losses)
    total.backward()
    assert all(np.isfinite(float(value)) for value in values.values())
    assert all(
        torch.isfinite(param.grad).all()
        for param in model.parameters()
        if param.grad is not None
    )


def test_an_image_without_proposals_can_be_tested(
    tmp_path: Path, messages: list[str]
) -> None:
    dataset = load(bad_data(tmp_path), pipeline=TRAIN_PIPELINE)
    model = tiny_detector().eval()
    with torch.no_grad():
        (found,) = model.test_step(pseudo_collate([dataset[1]]))
    assert len(found.pred_instances) == 0
