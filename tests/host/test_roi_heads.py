"""Stages of RoI heads, and heads that share their weights."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.models.roi_heads import DoubleHeadRoIHead
from mmdet.models.task_modules.samplers import OHEMSampler, RandomSampler
from mmdet.structures.bbox import bbox2roi
from torch import nn

from mmdet_ohem.host.roi_heads import (
    has_plain_box_branch,
    samplers_of,
    stage_being_built,
    stages_of,
    with_current_stage,
)
from mmdet_ohem.host.twins import twin, with_roi_head
from tests.tiny import (
    all_rois,
    cascade_roi_head,
    features,
    rcnn_train_cfg,
    standard_roi_head,
)

RANDOM = dict(type='RandomSampler', num=8, pos_fraction=0.25)


def test_a_head_without_stages_is_one() -> None:
    roi_head = standard_roi_head(RANDOM)
    (stage,) = stages_of(roi_head)
    assert stage.index is None
    assert stage.bbox_head is roi_head.bbox_head
    assert stage.train_cfg is roi_head.train_cfg
    assert samplers_of(roi_head) == [roi_head.bbox_sampler]


def test_a_cascade_has_parts_for_each_stage() -> None:
    roi_head = cascade_roi_head(RANDOM, RANDOM)
    stages = stages_of(roi_head)
    assert [stage.index for stage in stages] == [0, 1]
    for i, stage in enumerate(stages):
        assert stage.bbox_head is roi_head.bbox_head[i]
        assert stage.train_cfg is roi_head.train_cfg[i]
    assert samplers_of(roi_head) == roi_head.bbox_sampler


@pytest.mark.parametrize('make', [standard_roi_head, cascade_roi_head])
def test_predicts_by_the_heads_own_branch(make: Any) -> None:
    roi_head, feats, (result, _) = make(RANDOM), features(), all_rois()
    rois = bbox2roi([result.priors])
    (stage,) = stages_of(roi_head)
    own = roi_head._bbox_forward(*([0] * (stage.index == 0)), feats, rois)
    cls_score, bbox_pred = stage.predict(feats, rois)
    assert torch.equal(cls_score, own['cls_score'])
    assert torch.equal(bbox_pred, own['bbox_pred'])


def test_heads_without_a_sampler_have_none() -> None:
    assert samplers_of(SimpleNamespace(bbox_sampler=None)) == []
    assert samplers_of(SimpleNamespace(bbox_sampler=[])) == []


def test_samplers_are_built_for_the_current_stage() -> None:
    roi_head = cascade_roi_head(RANDOM, RANDOM)
    before = roi_head.current_stage
    for stage in stages_of(roi_head):
        with with_current_stage(roi_head, stage.index):
            assert stage_being_built(roi_head) == stage.index
            stock = OHEMSampler(num=4, pos_fraction=0.5, context=roi_head)
        assert stock.bbox_head is stage.bbox_head
    assert roi_head.current_stage == before


def test_a_head_without_stages_is_at_none() -> None:
    roi_head = standard_roi_head(RANDOM)
    own = dict(vars(roi_head))
    with with_current_stage(roi_head, None):
        assert stage_being_built(roi_head) is None
    assert vars(roi_head) == own


def test_only_the_stock_branch_is_plain() -> None:
    assert has_plain_box_branch(standard_roi_head(RANDOM))
    assert not has_plain_box_branch(cascade_roi_head(RANDOM))
    assert not has_plain_box_branch(
        DoubleHeadRoIHead.__new__(DoubleHeadRoIHead)
    )
    assert not has_plain_box_branch(nn.Identity())


def test_a_twin_has_the_same_weights_and_its_own_sampler() -> None:
    roi_head = standard_roi_head().eval()
    other = twin(roi_head, rcnn_train_cfg(RANDOM))
    mine, others = list(roi_head.parameters()), list(other.parameters())
    assert all(x is y for x, y in zip(mine, others, strict=True))
    assert isinstance(other.bbox_sampler, RandomSampler)
    assert not other.training
    assert samplers_of(roi_head) != samplers_of(other)


def test_a_detector_gets_its_own_head_back() -> None:
    detector = nn.Module()
    own = detector.roi_head = standard_roi_head()
    other = twin(own, rcnn_train_cfg(RANDOM))
    with pytest.raises(KeyError), with_roi_head(detector, other):
        assert detector.roi_head is other
        raise KeyError
    assert detector.roi_head is own
