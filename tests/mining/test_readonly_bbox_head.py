"""The read-only head: the head's own loss, per RoI, and no trace of it."""

import copy
import math
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from torch import Tensor, nn

from mmdet_ohem import ReadOnlyBBoxHead
from mmdet_ohem.host.precision import multiplies_bfloat16
from tests.tiny import (
    CHANNELS,
    NUM_CLASSES,
    all_rois,
    extractor,
    features,
    rcnn_train_cfg,
    spread_weights,
    standard_roi_head,
)

DECODED = dict(reg_decoded_bbox=True)
LOSSES: dict[str, dict[str, Any]] = {
    'softmax': {},
    'class_agnostic': dict(reg_class_agnostic=True),
    'weighted': dict(
        loss_cls=dict(type='CrossEntropyLoss', loss_weight=2.0),
        loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=3.0),
    ),
    'sigmoid': dict(loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True)),
    'focal': dict(loss_cls=dict(type='FocalLoss', use_sigmoid=True)),
    'ghm_c': dict(loss_cls=dict(type='GHMC', momentum=0.5)),
    'ghm_r': dict(loss_bbox=dict(type='GHMR', momentum=0.5)),
    'seesaw': dict(loss_cls=dict(type='SeesawLoss', num_classes=NUM_CLASSES)),
    'l1': dict(loss_bbox=dict(type='L1Loss')),
    'balanced_l1': dict(loss_bbox=dict(type='BalancedL1Loss')),
    'iou': DECODED | dict(loss_bbox=dict(type='IoULoss')),
    'giou': DECODED | dict(loss_bbox=dict(type='GIoULoss')),
    'ciou': DECODED | dict(loss_bbox=dict(type='CIoULoss')),
}


def readonly(roi_head: Any, **kwargs: Any) -> ReadOnlyBBoxHead:
    kwargs.setdefault('dtype', 'float32')
    return ReadOnlyBBoxHead(roi_head, **kwargs)


def sabl_head() -> Any:
    head = dict(
        type='SABLHead',
        num_classes=NUM_CLASSES,
        cls_in_channels=CHANNELS,
        reg_in_channels=CHANNELS,
        roi_feat_size=7,
        reg_feat_up_ratio=2,
        reg_pre_kernel=3,
        reg_post_kernel=3,
        reg_pre_num=2,
        reg_post_num=1,
        cls_out_channels=16,
        reg_offset_out_channels=8,
        reg_cls_out_channels=8,
        num_cls_fcs=1,
        num_reg_fcs=0,
        reg_class_agnostic=True,
        norm_cfg=None,
        bbox_coder=dict(
            type='BucketingBBoxCoder', num_buckets=14, scale_factor=1.7
        ),
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
        loss_bbox_cls=dict(type='CrossEntropyLoss', use_sigmoid=True),
        loss_bbox_reg=dict(type='SmoothL1Loss', beta=0.1, loss_weight=1.0),
    )
    return build_head('StandardRoIHead', head, output_size=7)


def double_head() -> Any:
    head = dict(
        type='DoubleConvFCBBoxHead',
        num_convs=1,
        num_fcs=1,
        in_channels=CHANNELS,
        conv_out_channels=16,
        fc_out_channels=16,
        roi_feat_size=3,
        num_classes=NUM_CLASSES,
    )
    return build_head('DoubleHeadRoIHead', head, reg_roi_scale_factor=1.3)


def build_head(
    kind: str, bbox_head: dict, output_size: int = 3, **kwargs: Any
) -> Any:
    roi_head = MODELS.build(
        dict(
            type=kind,
            bbox_roi_extractor=extractor() | dict(output_size=output_size),
            bbox_head=bbox_head,
            train_cfg=rcnn_train_cfg(
                dict(type='RandomSampler', num=8, pos_fraction=0.25)
            ),
            **kwargs,
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


def one_roi(result: Any, index: int) -> Any:
    """The sampling result of one RoI by itself."""
    from mmdet_ohem.host.sampling_result import take_rois

    num_pos = len(result.pos_inds)
    none = torch.empty(0, dtype=torch.long)
    this = torch.tensor([index])
    if index < num_pos:
        return take_rois(result, this, none)
    return take_rois(result, none, this - num_pos)


def loss_of_one(roi_head: Any, feats: list[Tensor], result: Any) -> float:
    """The loss that training on this RoI alone would have."""
    rois = bbox2roi([result.priors])
    out = roi_head._bbox_forward(feats, rois)
    losses = roi_head.bbox_head.loss_and_target(
        out['cls_score'], out['bbox_pred'], rois, [result], roi_head.train_cfg
    )['loss_bbox']
    return sum(
        float(value.sum()) for key, value in losses.items() if 'loss' in key
    )


# GHM's and Seesaw's loss of a RoI depends on the other RoIs as well.
@pytest.mark.parametrize(
    'name', sorted(set(LOSSES) - {'ghm_c', 'ghm_r', 'seesaw'})
)
def test_each_loss_is_that_of_training_on_the_roi_alone(name: str) -> None:
    roi_head = standard_roi_head(**LOSSES[name])
    feats, (result, _) = features(), all_rois()
    found = readonly(roi_head)(feats, result)
    assert found.dtype == torch.float32
    with torch.no_grad():
        expected = [
            loss_of_one(roi_head, feats, one_roi(result, i))
            for i in range(len(found))
        ]
    # A focal or sigmoid loss of one RoI is a sum over classes already.
    torch.testing.assert_close(found, torch.tensor(expected))


@pytest.mark.parametrize('make', [sabl_head, double_head])
def test_sabl_and_double_head_equal_training_on_the_roi_alone(
    make: Any,
) -> None:
    roi_head, feats, (result, _) = make(), features(), all_rois(2, 12)
    found = readonly(roi_head)(feats, result)
    roi_head.eval()
    for i, loss in enumerate(found.tolist()):
        alone = readonly(roi_head)(feats, one_roi(result, i))
        assert math.isclose(loss, float(alone), rel_tol=1e-4)
    assert found.isfinite().all() and found.std() > 0


@pytest.mark.parametrize('name', sorted(LOSSES))
def test_mean_over_rois_is_the_loss_that_training_on_all_would_log(
    name: str,
) -> None:
    roi_head = standard_roi_head(**LOSSES[name])
    feats, (result, _) = features(), all_rois()
    found = readonly(roi_head)(feats, result)
    rois = bbox2roi([result.priors])
    twin = copy.deepcopy(roi_head)
    with torch.no_grad():
        out = twin._bbox_forward(feats, rois)
        losses = twin.bbox_head.loss_and_target(
            out['cls_score'], out['bbox_pred'], rois, [result], twin.train_cfg
        )['loss_bbox']
    logged = {k: float(v.sum()) for k, v in losses.items() if 'loss' in k}
    # GHM averages over entries where the others average over RoIs.
    if name == 'ghm_c':
        logged['loss_cls'] *= NUM_CLASSES + 1
    if name == 'ghm_r':
        logged['loss_bbox'] *= 4 * len(result.pos_inds) / len(rois)
    expected = sum(logged.values())
    assert math.isclose(float(found.mean()), expected, rel_tol=1e-4)


@pytest.mark.parametrize('name', sorted(LOSSES))
@pytest.mark.parametrize('chunk_size', [1, 7, 63])
def test_chunked_equals_unchunked(name: str, chunk_size: int) -> None:
    roi_head = standard_roi_head(**LOSSES[name])
    feats, (result, _) = features(), all_rois()
    torch.testing.assert_close(
        readonly(roi_head, chunk_size=chunk_size)(feats, result),
        readonly(roi_head, chunk_size=None)(feats, result),
    )


def test_localisation_counts_for_foreground_only() -> None:
    roi_head, feats, (result, _) = standard_roi_head(), features(), all_rois()
    before = readonly(roi_head)(feats, result)
    nn.init.normal_(roi_head.bbox_head.fc_reg.weight, std=1.0)
    changed = readonly(roi_head)(feats, result) != before
    num_pos = len(result.pos_inds)
    assert num_pos > 0
    assert changed[:num_pos].all()
    assert not changed[num_pos:].any()


@pytest.mark.parametrize(
    ('num_gts', 'num_proposals'), [(0, 20), (3, 0), (1, 1), (0, 1), (0, 0)]
)
@pytest.mark.parametrize('name', sorted(LOSSES))
def test_degenerate_images(
    name: str, num_gts: int, num_proposals: int
) -> None:
    roi_head = standard_roi_head(**LOSSES[name])
    result, _ = all_rois(num_gts, num_proposals)
    found = readonly(roi_head)(features(), result)
    assert found.shape == (num_gts + num_proposals,)
    assert found.isfinite().all()


class ReducedLoss(nn.Module):
    """A loss that cannot be asked not to reduce."""

    def forward(self, pred: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return pred.mean()


def test_a_loss_without_a_number_per_roi_is_refused_by_name() -> None:
    roi_head = standard_roi_head()
    roi_head.bbox_head.loss_cls = ReducedLoss()
    result, _ = all_rois()
    with pytest.raises(TypeError, match=r"'loss_cls' has shape .* 63 RoIs"):
        readonly(roi_head)(features(), result)


def bn_head() -> Any:
    """Convolutions with BatchNorm, dropout, and a loss with a buffer."""
    roi_head = standard_roi_head(
        type='ConvFCBBoxHead',
        num_shared_convs=1,
        num_shared_fcs=1,
        conv_out_channels=CHANNELS,
        norm_cfg=dict(type='BN'),
        loss_cls=dict(type='SeesawLoss', num_classes=NUM_CLASSES),
    )
    roi_head.bbox_head.relu = nn.Sequential(nn.ReLU(), nn.Dropout(0.5))
    # A part that the user keeps in evaluation mode stays there.
    roi_head.bbox_head.shared_convs.eval()
    return roi_head


@pytest.mark.parametrize('dropout', [False, True])
@pytest.mark.parametrize('fails', [False, True])
def test_nothing_is_left_behind(dropout: bool, fails: bool) -> None:
    roi_head = bn_head()
    if fails:
        roi_head.bbox_head.loss_bbox = ReducedLoss()
    result, _ = all_rois()
    feats = [feat.requires_grad_() for feat in features()]
    # The mode in which BatchNorm would count and mix the RoIs.
    roi_head.bbox_head.shared_convs[0].bn.train()
    state = copy.deepcopy(roi_head.state_dict())
    flags = [module.training for module in roi_head.modules()]
    random_state = torch.get_rng_state()

    head = readonly(roi_head, dropout=dropout)
    if fails:
        with pytest.raises(TypeError):
            head(feats, result)
    else:
        assert not head(feats, result).requires_grad

    assert list(roi_head.state_dict()) == list(state)
    for name, value in roi_head.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert flags == [module.training for module in roi_head.modules()]
    assert torch.equal(random_state, torch.get_rng_state())
    assert feats[0].grad is None
    assert all(param.grad is None for param in roi_head.parameters())
    assert torch.is_grad_enabled()


def test_it_owns_nothing_that_is_saved_or_optimised() -> None:
    roi_head = standard_roi_head()
    keys = set(roi_head.state_dict())
    params = len(list(roi_head.parameters()))
    roi_head.bbox_sampler.readonly_head(features(), all_rois()[0])
    assert set(roi_head.state_dict()) == keys
    assert len(list(roi_head.parameters())) == params
    assert not isinstance(roi_head.bbox_sampler.readonly_head, nn.Module)


def test_dropout_is_off_by_default_and_on_by_its_key() -> None:
    roi_head, feats, (result, _) = bn_head(), features(), all_rois()
    quiet = readonly(roi_head)
    assert torch.equal(quiet(feats, result), quiet(feats, result))
    noisy = readonly(roi_head, dropout=True)
    first = noisy(feats, result)
    torch.rand(1)  # the random state is restored: move it on by hand
    assert not torch.equal(first, noisy(feats, result))


def test_the_box_head_in_use_is_scored_also_after_it_was_replaced() -> None:
    roi_head, feats, (result, _) = standard_roi_head(), features(), all_rois()
    head = readonly(roi_head)
    roi_head.bbox_head = copy.deepcopy(roi_head.bbox_head)
    nn.init.zeros_(roi_head.bbox_head.fc_cls.weight)
    nn.init.zeros_(roi_head.bbox_head.fc_cls.bias)
    num_pos = len(result.pos_inds)
    expected = torch.full((60 + 3 - num_pos,), math.log(NUM_CLASSES + 1))
    torch.testing.assert_close(head(feats, result)[num_pos:], expected)


def test_bfloat16_ranks_nearly_as_float32_and_returns_float32() -> None:
    roi_head, feats, (result, _) = standard_roi_head(), features(), all_rois()
    exact = readonly(roi_head)(feats, result)
    rough = readonly(roi_head, dtype='bfloat16')(feats, result)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.05)


def test_auto_dtype_follows_the_hardware(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roi_head = standard_roi_head()
    cpu = torch.device('cpu')
    name = 'mmdet_ohem.mining.number_format.multiplies_bfloat16'
    head = ReadOnlyBBoxHead(roi_head)
    monkeypatch.setattr(name, lambda device: True)
    assert head.format_on(cpu) == torch.bfloat16
    monkeypatch.setattr(name, lambda device: False)
    assert head.format_on(cpu) == torch.float32
    assert multiplies_bfloat16(cpu) in (True, False)


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16', 'auto'])
def test_weights_still_get_gradients_under_autocast(dtype: str) -> None:
    # Autocast would hand weights that were cast without autograd to the
    # training pass.
    roi_head, feats, (result, _) = standard_roi_head(), features(), all_rois()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = readonly(roi_head, dtype=dtype)(feats, result)
        out = roi_head._bbox_forward(feats, bbox2roi([result.priors]))
        out['cls_score'].float().sum().backward()
    assert losses.dtype == torch.float32
    for layer in (*roi_head.bbox_head.shared_fcs, roi_head.bbox_head.fc_cls):
        assert layer.weight.grad is not None


def test_half_precision_features_do_not_round_the_rois() -> None:
    roi_head, feats, (result, _) = standard_roi_head(), features(), all_rois()
    head = readonly(roi_head)
    half = [feat.bfloat16() for feat in feats]
    torch.testing.assert_close(
        head(half, result), head([feat.float() for feat in half], result)
    )


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(chunk_size=0), 'chunk_size must be None or at least 1, got 0'),
        (dict(dtype='int4'), "dtype must be 'auto' or one of .* got 'int4'"),
    ],
)
def test_bad_keys_are_named(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ReadOnlyBBoxHead(standard_roi_head(), **kwargs)


@pytest.mark.parametrize('thing', [nn.Identity(), None])
def test_what_has_no_box_head_is_refused(thing: nn.Module | None) -> None:
    with pytest.raises(TypeError, match='has no bbox_head'):
        ReadOnlyBBoxHead(thing)
