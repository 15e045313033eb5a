"""Candidates: stock mmdet's NMS, with a vote after it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.models.layers import multiclass_nms
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem import box_voting
from mmdet_ohem.localization import cat_candidates, final_detections
from mmdet_ohem.localization.candidates import (
    from_raw_predictions,
    make_candidates,
)
from tests.localization.memory import peak_bytes
from tests.tiny import random_boxes

NMS = dict(type='nms', iou_threshold=0.3)


def raw_predictions(
    num_rois: int = 80, num_classes: int = 5, agnostic: bool = False
) -> Any:
    """What a box head says of RoIs in clusters, background last."""
    boxes = random_boxes(num_rois // 8).repeat(8, 1)
    columns = 1 if agnostic else num_classes
    boxes = boxes.repeat(1, columns) + 3 * torch.randn(len(boxes), columns * 4)
    scores = (2 * torch.randn(num_rois, num_classes + 1)).softmax(1)
    return SimpleNamespace(bboxes=boxes.clamp(min=0), scores=scores)


def candidates(*rows: tuple[list[float], float, int]) -> InstanceData:
    boxes, scores, labels = zip(*rows, strict=True)
    return make_candidates(
        torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels)
    )


def assert_same(found: InstanceData, dets: Tensor, labels: Tensor) -> None:
    assert torch.equal(found.bboxes, dets[:, :4])
    assert torch.equal(found.scores, dets[:, 4])
    assert torch.equal(found.labels, labels)


@pytest.mark.parametrize('agnostic', [False, True])
@pytest.mark.parametrize('max_per_img', [-1, 7, 1000])
@pytest.mark.parametrize('score_thr', [0.0, 0.2, 0.999])
@pytest.mark.parametrize(
    'nms',
    [
        NMS,
        dict(type='nms', iou_threshold=0.3, offset=1),
        dict(type='soft_nms', iou_threshold=0.3, min_score=0.05),
        dict(type='nms', iou_threshold=0.3, split_thr=10),
        None,
    ],
)
def test_without_voting_it_is_stock_nms(
    agnostic: bool, max_per_img: int, score_thr: float, nms: dict | None
) -> None:
    raw = raw_predictions(agnostic=agnostic)
    cfg = None if nms is None else ConfigDict(nms)
    expected = multiclass_nms(
        raw.bboxes, raw.scores, score_thr, cfg, max_per_img
    )
    found = final_detections(
        from_raw_predictions(raw), score_thr, cfg, max_per_img
    )
    assert_same(found, *expected)


def test_one_class_is_stock_nms() -> None:
    raw = raw_predictions(num_classes=1)
    expected = multiclass_nms(raw.bboxes, raw.scores, 0.1, NMS, 100)
    assert_same(
        final_detections(from_raw_predictions(raw), 0.1, NMS, 100), *expected
    )


def test_unclipped_boxes_do_not_meet_other_classes() -> None:
    # mmcv moves class 1 by 11, onto the box of class 0.
    found = final_detections(
        candidates(([0, 0, 10, 10], 0.9, 0), ([-11, -11, -1, -1], 0.8, 1)),
        score_thr=0,
        nms=NMS,
        max_per_img=10,
    )
    assert found.labels.tolist() == [0, 1]
    assert found.bboxes.tolist() == [[0, 0, 10, 10], [-11, -11, -1, -1]]


@pytest.mark.parametrize('iou_thr', [0.3, 0.5, 0.8])
def test_survivors_are_voted_on_by_their_class(iou_thr: float) -> None:
    pool = from_raw_predictions(raw_predictions())
    plain = final_detections(pool, 0.3, NMS, 30)
    voted = final_detections(pool, 0.3, NMS, 30, voting_iou_thr=iou_thr)
    assert torch.equal(voted.scores, plain.scores)
    assert torch.equal(voted.labels, plain.labels)
    assert not torch.equal(voted.bboxes, plain.bboxes)
    for label in range(5):
        mine, theirs = plain.labels == label, pool.labels == label
        expected = box_voting(
            plain.bboxes[mine],
            pool.bboxes[theirs],
            pool.scores[theirs],
            iou_thr,
        )
        assert torch.equal(voted.bboxes[mine], expected)


def test_what_is_too_low_to_be_detected_still_votes() -> None:
    found = final_detections(
        candidates(([0, 0, 10, 10], 0.75, 0), ([0, 0, 10, 6], 0.25, 0)),
        score_thr=0.5,
        nms=NMS,
        max_per_img=10,
        voting_iou_thr=0.5,
    )
    assert found.bboxes.tolist() == [[0, 0, 10, 9]]
    assert found.scores.tolist() == [0.75]


def test_another_class_does_not_vote() -> None:
    found = final_detections(
        candidates(([0, 0, 10, 10], 0.75, 0), ([0, 0, 10, 6], 0.25, 1)),
        score_thr=0.5,
        nms=NMS,
        max_per_img=10,
        voting_iou_thr=0.5,
    )
    assert found.bboxes.tolist() == [[0, 0, 10, 10]]


def test_offset_is_added_to_the_weight_of_a_vote() -> None:
    found = final_detections(
        candidates(([0, 0, 10, 10], 0.75, 0), ([0, 0, 10, 6], 0.25, 0)),
        score_thr=0.5,
        nms=NMS,
        max_per_img=10,
        voting_iou_thr=0.5,
        vote_score_offset=0.5,
    )
    # Weights 1.25 and 0.75.
    torch.testing.assert_close(
        found.bboxes, torch.tensor([[0, 0, 10, 10 - 4 * 0.75 / 2]])
    )
    assert found.scores.tolist() == [0.75]


def test_voted_boxes_are_not_suppressed_again() -> None:
    # IoU 0.29 of the survivors; both move to boxes with IoU 0.43.
    found = final_detections(
        candidates(
            ([0, 0, 10, 10], 0.8, 0),
            ([5.5, 0, 15.5, 10], 0.6, 0),
            ([2, 0, 12, 10], 0.59, 0),
        ),
        score_thr=0.0,
        nms=NMS,
        max_per_img=10,
        voting_iou_thr=0.4,
    )
    assert len(found) == 2
    assert found.bboxes[0, 0] > 0
    assert found.bboxes[1, 0] < 5.5


@pytest.mark.parametrize('voting_iou_thr', [None, 0.5])
@pytest.mark.parametrize('num', [0, 3])
def test_nothing_above_the_threshold(
    voting_iou_thr: float | None, num: int
) -> None:
    pool = make_candidates(
        random_boxes(num), torch.zeros(num), torch.zeros(num)
    )
    found = final_detections(pool, 0.0, NMS, 100, voting_iou_thr)
    assert found.bboxes.shape == (0, 4)
    assert found.scores.shape == found.labels.shape == (0,)
    assert found.labels.dtype == torch.long


def test_what_is_not_finite_is_no_detection_and_no_vote() -> None:
    nan, inf = float('nan'), float('inf')
    found = final_detections(
        candidates(
            ([0, 0, 10, 10], 0.5, 0),
            ([0, 0, 10, nan], 0.9, 0),
            ([0, 0, inf, 9], 0.8, 0),
            ([0, 0, 10, 9], nan, 0),
        ),
        score_thr=0.1,
        nms=NMS,
        max_per_img=10,
        voting_iou_thr=0.5,
    )
    assert found.bboxes.tolist() == [[0, 0, 10, 10]]


def test_candidates_are_left_alone() -> None:
    pool = from_raw_predictions(raw_predictions())
    before = pool.clone()
    final_detections(pool, 0.1, NMS, 100, 0.5, 0.5)
    for name in ('bboxes', 'scores', 'labels'):
        assert torch.equal(pool[name], before[name])


def test_raw_predictions_roi_by_roi() -> None:
    raw = SimpleNamespace(
        bboxes=torch.arange(16.0).reshape(2, 8),
        scores=torch.tensor([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]),
    )
    found = from_raw_predictions(raw)
    assert found.bboxes.tolist() == torch.arange(16.0).reshape(4, 4).tolist()
    torch.testing.assert_close(
        found.scores, torch.tensor([0.1, 0.2, 0.3, 0.4])
    )
    assert found.labels.tolist() == [0, 1, 0, 1]


def test_half_precision_becomes_float32() -> None:
    raw = raw_predictions()
    raw.bboxes, raw.scores = raw.bboxes.half(), raw.scores.half()
    found = from_raw_predictions(raw)
    assert found.bboxes.dtype == found.scores.dtype == torch.float32
    assert found.labels.dtype == torch.long


def test_joined_candidates_are_in_order() -> None:
    parts = [from_raw_predictions(raw_predictions(n)) for n in (8, 0, 16)]
    joined = cat_candidates(parts)
    assert len(joined) == 24 * 5
    assert torch.equal(joined.bboxes[40:], parts[2].bboxes)
    assert torch.equal(joined.labels[:40], parts[0].labels)


def test_20_classes_2000_rois_5_scales_within_1_gb() -> None:
    def detect() -> None:
        views = [
            from_raw_predictions(raw_predictions(2000, 20)) for _ in range(5)
        ]
        final_detections(
            cat_candidates(views), 0.2, NMS, 2000, voting_iou_thr=0.5
        )

    assert 1e7 < peak_bytes(detect) < 2**29
