"""A setting that would leave a training without background."""

from typing import Any

import pytest
import torch
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData

from mmdet_ohem.host.assigners import check_neg_iou_thr


def assigner(neg_iou_thr: Any) -> Any:
    cfg = dict(type='MaxIoUAssigner', pos_iou_thr=0.5, min_pos_iou=0.5)
    return TASK_UTILS.build(dict(cfg, neg_iou_thr=neg_iou_thr))


def num_background(of: Any) -> int:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [50, 50, 60, 60]])
    truth = InstanceData(bboxes=boxes[:1], labels=torch.zeros(1).long())
    found = of.assign(InstanceData(priors=boxes), truth)
    return int((found.gt_inds == 0).sum())


@pytest.mark.parametrize('thr', [0.5, 0.0, (0.1, 0.5), (0, 0.5)])
def test_what_mmdet_understands(thr: Any) -> None:
    check_neg_iou_thr(assigner(thr))


@pytest.mark.parametrize(
    ('thr', 'remedy'),
    [
        ([0.1, 0.5], r'neg_iou_thr=\(0.1, 0.5\), with round'),
        (1, r'neg_iou_thr=1.0, with a point'),
        ('0.5', 'neg_iou_thr=0.5, or'),
        ((0.5, 0.1), r'neg_iou_thr=\(0.1, 0.5\)'),
        ((0.1, 0.3, 0.5), 'neg_iou_thr=0.5, or'),
    ],
)
def test_what_leaves_no_background(thr: Any, remedy: str) -> None:
    wrong = assigner(thr)
    if not isinstance(thr, tuple) or len(thr) == 2:
        assert num_background(wrong) == 0
        assert num_background(assigner(0.5)) == 2
    with pytest.raises(ValueError, match=remedy):
        check_neg_iou_thr(wrong)


def test_an_assigner_without_it_is_left_alone() -> None:
    check_neg_iou_thr(object())
