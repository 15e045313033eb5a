"""Training never goes on over nothing."""

import logging
from typing import Any

import pytest
import torch
from torch import nn

from mmdet_ohem.mining import non_finite_losses, number_format
from mmdet_ohem.mining.non_finite_losses import NonFiniteLosses
from mmdet_ohem.mining.rules import Rule, rule_names
from tests.mining.rules.rois import rois_by_hand
from tests.mining.test_loss_masking_roi_head import (
    gradients,
    loss_masking_roi_head,
)
from tests.mining.test_ohem_sampler import loss_inputs
from tests.tiny import OHEM, features, random_image, standard_roi_head

NAN, INF = float('nan'), float('inf')


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def keep(text: str, level: int, **_: Any) -> None:
        assert level == logging.WARNING
        found.append(text)

    for module in (non_finite_losses, number_format):
        monkeypatch.setattr(module, 'print_log', keep)
    return found


def trained_loss(roi_head: Any, feats: Any = None, num_gts: int = 3) -> Any:
    gt, proposals = random_image(num_gts)
    losses = roi_head.loss(feats or features(), *loss_inputs(gt, proposals))
    return losses['loss_cls'] + losses['loss_bbox']


@pytest.mark.parametrize('num_gts', [0, 3])
@pytest.mark.parametrize('rule', rule_names())
def test_a_network_of_nan_has_no_finite_loss(rule: str, num_gts: int) -> None:
    sampler = dict(type='mmdet_ohem.RuleSampler', num=16, rule=rule)
    roi_head = standard_roi_head(sampler)
    nn.init.constant_(roi_head.bbox_head.fc_cls.weight, NAN)
    assert not trained_loss(roi_head, num_gts=num_gts).isfinite()


def test_nan_features_have_no_finite_loss() -> None:
    feats = features()
    feats[0][0, 0] = NAN
    assert not trained_loss(standard_roi_head(OHEM), feats).isfinite()


def test_loss_masking_of_nan_has_no_finite_gradient() -> None:
    masking = loss_masking_roi_head(standard_roi_head(OHEM))
    nn.init.constant_(masking.bbox_head.fc_cls.weight, NAN)
    found = gradients(masking, features(), [random_image()])
    assert not found['bbox_head.fc_cls.bias'].isfinite().all()


def test_images_without_a_roi_have_a_loss_of_zero() -> None:
    roi_head = standard_roi_head(OHEM)
    gt, proposals = random_image(0, 0)
    losses = roi_head.loss(features(), *loss_inputs(gt, proposals))
    assert all(value == 0 for key, value in losses.items() if 'loss' in key)


def test_foreground_without_a_finite_loss_is_an_error() -> None:
    roi_head = standard_roi_head(OHEM)
    roi_head.bbox_head.bbox_coder.stds = (0.0, 0.0, 0.0, 0.0)
    for _ in range(19):
        trained_loss(roi_head)
    trained_loss(roi_head, num_gts=0)  # has nothing to tell
    with pytest.raises(FloatingPointError, match=r'background alone.*_stds'):
        trained_loss(roi_head)


def test_a_single_bad_box_is_left_out() -> None:
    rois = rois_by_hand([1.0, NAN, 2.0, 3.0], [0.0, INF, 0, 0], [-1, 0, 1, -1])
    guard = NonFiniteLosses('x')
    rule = Rule('ohem')
    for _ in range(20):
        choice = guard.check(rois, rule(rois, 2), 2)
        assert choice.inds.tolist() == [3, 2]
    assert (guard.num_rois, guard.num_images) == (20, 20)


def test_good_foreground_ends_a_row_of_bad_images() -> None:
    bad = rois_by_hand([NAN, 1.0], labels=[0, -1])
    good = rois_by_hand([2.0, 1.0], labels=[0, -1])
    guard, rule = NonFiniteLosses('x'), Rule('ohem')
    for _ in range(3):
        for _ in range(19):
            guard.check(bad, rule(bad, 1), 1)
        guard.check(good, rule(good, 1), 1)


def test_the_warning_recurs_with_counts(messages: list[str]) -> None:
    rois = rois_by_hand([NAN, 1.0])
    guard, rule = NonFiniteLosses('OHEMSampler'), Rule('ohem')
    for _ in range(120):
        guard.check(rois, rule(rois, 1), 1)
    assert len(messages) == 3
    assert 'so far 1 RoI of 1 image' in messages[0]
    assert 'so far 10 RoIs of 10 images' in messages[1]
    assert 'so far 100 RoIs of 100 images' in messages[2]


def test_half_precision_that_overflows_is_scored_in_float32(
    messages: list[str],
) -> None:
    number_format.warn_of_overflow.cache_clear()
    half, full = (
        standard_roi_head(
            OHEM
            | dict(
                readonly_head=dict(
                    type='mmdet_ohem.ReadOnlyBBoxHead', dtype=dtype
                )
            )
        )
        for dtype in ('float16', 'float32')
    )
    full.load_state_dict(half.state_dict())
    records = []
    for head in (half, full):
        # Activations beyond 65504, and small scores again.
        nn.init.constant_(head.bbox_head.shared_fcs[0].bias, 1e6)
        nn.init.constant_(head.bbox_head.fc_cls.weight, 1e-7)
        nn.init.constant_(head.bbox_head.fc_reg.weight, 1e-9)
        for _ in range(2):
            torch.manual_seed(0)
            assert trained_loss(head).isfinite()
        records.append(head.bbox_sampler.last_record)
    assert torch.equal(records[0].losses, records[1].losses)
    assert torch.equal(records[0].hard, records[1].hard)
    assert len(messages) == 1
    assert 'scored again in float32' in messages[0]
