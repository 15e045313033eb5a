"""Scoring in 8-bit integers: the same choice, at a fraction of the work."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

import mmdet_ohem.mining.number_format as formats
from mmdet_ohem import ReadOnlyBBoxHead
from mmdet_ohem.guard.mining_facts import describe
from mmdet_ohem.mining import int8_pass
from tests.guard.trainings import hear
from tests.tiny import (
    CHANNELS,
    NUM_CLASSES,
    OHEM,
    all_rois,
    assign,
    extractor,
    features,
    random_image,
    rcnn_train_cfg,
    spread_weights,
    standard_roi_head,
)

CPU = torch.device('cpu')


@pytest.fixture(autouse=True)
def hardware(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A CPU with fast integers only, for which no layer is too small."""
    monkeypatch.setattr(formats, 'multiplies_int8', lambda x: x.type == 'cpu')
    monkeypatch.setattr(formats, 'multiplies_bfloat16', lambda device: False)
    monkeypatch.setattr(int8_pass, '_MIN_WEIGHTS', 100)
    monkeypatch.setattr(int8_pass, '_WORTHWHILE', 100)
    formats._warn_once.cache_clear()
    yield
    formats._warn_once.cache_clear()


def roi_head(
    head: str = 'VGGBBoxHead',
    pool: dict | None = None,
    kind: str = 'StandardRoIHead',
    **keys: Any,
) -> Any:
    bbox_head = dict(
        type=f'mmdet_ohem.{head}',
        in_channels=CHANNELS,
        roi_feat_size=3,
        fc_out_channels=(64, 48),
        num_classes=NUM_CLASSES,
        feature_scale=0.5,
    )
    made = MODELS.build(
        dict(
            type=kind,
            bbox_roi_extractor=dict(extractor(), **(pool or {})),
            bbox_head=bbox_head,
            train_cfg=rcnn_train_cfg(OHEM),
            **keys,
        )
    )
    spread_weights(made)
    return made.train()


def spp() -> Any:
    head = roi_head()
    head.bbox_roi_extractor = MODELS.build(
        dict(
            type='mmdet_ohem.SPPExtractor',
            levels=(1, 3),
            out_channels=CHANNELS,
        )
    )
    head.bbox_head = MODELS.build(
        dict(
            type='mmdet_ohem.SPPBBoxHead',
            levels=(1, 3),
            in_channels=CHANNELS,
            fc_out_channels=(64, 48),
            num_classes=NUM_CLASSES,
        )
    )
    spread_weights(head)
    return head


def mr_cnn() -> Any:
    return roi_head(
        'MRCNNBBoxHead',
        dict(type='mmdet_ohem.RegionExtractor'),
        'mmdet_ohem.MRCNNRoIHead',
        regions=[(0, 1), (0.8, 1.5)],
    )


def positive_features() -> list[Tensor]:
    return [features()[0].relu()]


MAKERS = [roi_head, spp, mr_cnn, standard_roi_head]


@pytest.mark.parametrize('make', MAKERS)
@pytest.mark.parametrize('signed', [False, True])
def test_losses_are_nearly_those_of_float32(make: Any, signed: bool) -> None:
    head, (result, _) = make(), all_rois()
    feats = features() if signed else positive_features()
    exact = ReadOnlyBBoxHead(head, dtype='float32')(feats, result)
    rough = ReadOnlyBBoxHead(head, dtype='int8')(feats, result)
    assert rough.dtype == torch.float32
    torch.testing.assert_close(rough, exact, rtol=0.1, atol=0.1)
    assert (rough - exact).abs().mean() < 0.02
    assert not torch.equal(rough, exact)


@pytest.mark.parametrize('make', MAKERS)
def test_the_choice_is_that_of_float32(make: Any) -> None:
    head, feats = make(), positive_features()
    gt, proposals = random_image(3, 200)
    chosen = []
    for dtype in ('float32', 'int8'):
        sampler = copy.copy(head.bbox_sampler)
        sampler.readonly_head = ReadOnlyBBoxHead(head, dtype=dtype)
        rois = InstanceData(priors=proposals.priors)
        sampler.sample(assign(rois, gt), rois, gt, feats)
        # In any order: of two that are both chosen it decides nothing.
        chosen.append(set(sampler.last_record.hard.tolist()))
    assert chosen[0] == chosen[1]


def test_few_rois_are_scored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    head, feats = roi_head(), positive_features()
    head.bbox_head.dropout.p = 0.0
    sampler = head.bbox_sampler
    calls = []
    predict = sampler.readonly_head.predict

    def counted(feats: Any, rois: Tensor, dtype: torch.dtype) -> Any:
        calls.append((dtype, len(rois)))
        return predict(feats, rois, dtype)

    monkeypatch.setattr(sampler.readonly_head, 'predict', counted)
    gt, rois = random_image(3, 400)
    sampler.sample(assign(rois, gt), rois, gt, feats)
    assert calls[0] == (torch.int8, 403)
    assert {dtype for dtype, _ in calls[1:]} == {torch.float32}
    assert 0 < sum(num for _, num in calls[1:]) < 200


def test_no_roi_is_scored_again_where_nobody_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head, feats = roi_head(), positive_features()
    gt, rois = random_image(3, 400)
    readonly = ReadOnlyBBoxHead(head, dtype='int8', score_again=False)
    sampler = copy.copy(head.bbox_sampler)
    sampler.readonly_head = readonly
    calls = []
    predict = readonly.predict

    def counted(feats: Any, rois: Tensor, dtype: torch.dtype) -> Any:
        calls.append(dtype)
        return predict(feats, rois, dtype)

    monkeypatch.setattr(readonly, 'predict', counted)
    sampler.sample(assign(rois, gt), rois, gt, feats)
    assert calls == [torch.int8]
    assert describe(sampler, '2000 RoIs').endswith('scored in int8')
    # Integers that nobody looks after are for those who ask for them.
    auto = ReadOnlyBBoxHead(head, score_again=False)
    assert auto.format_on(CPU, True) == torch.float32


def test_rois_with_the_same_cells_have_one_score() -> None:
    head, feats = roi_head(), positive_features()
    rois = torch.tensor([[0.0, 16, 16, 90, 90]]).repeat(3, 1)
    rois[1, 1:] += 1
    rois[2, 1:] += 60
    readonly = ReadOnlyBBoxHead(head, dtype='int8')
    with torch.no_grad():
        scores, boxes = readonly.predict(feats, rois)
    assert torch.equal(scores[0], scores[1])
    assert torch.equal(boxes[0], boxes[1])
    assert not torch.equal(scores[0], scores[2])


@pytest.mark.parametrize('chunk_size', [None, 7])
def test_chunks_change_nothing(chunk_size: int | None) -> None:
    head, feats, (result, _) = roi_head(), positive_features(), all_rois()
    whole = ReadOnlyBBoxHead(head, dtype='int8')(feats, result)
    parts = ReadOnlyBBoxHead(head, dtype='int8', chunk_size=chunk_size)
    torch.testing.assert_close(parts(feats, result), whole)


def test_weights_that_change_are_rounded_anew() -> None:
    head, feats, (result, _) = roi_head(), positive_features(), all_rois()
    readonly = ReadOnlyBBoxHead(head, dtype='int8')
    readonly(feats, result)
    spread_weights(head)
    fresh = ReadOnlyBBoxHead(head, dtype='int8')
    assert torch.equal(readonly(feats, result), fresh(feats, result))


def test_no_roi() -> None:
    head, (result, _) = roi_head(), all_rois(0, 0)
    readonly = ReadOnlyBBoxHead(head, dtype='int8')
    assert readonly(positive_features(), result).shape == (0,)


def test_layers_are_as_before_and_get_gradients() -> None:
    head, feats, (result, _) = roi_head(), positive_features(), all_rois()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        ReadOnlyBBoxHead(head, dtype='int8')(feats, result)
        assert all('forward' not in vars(x) for x in head.modules())
        out = head._bbox_forward(feats, bbox2roi([result.priors]))
        out['cls_score'].float().sum().backward()
    assert head.bbox_head.fc6.weight.grad is not None


def format_of(head: Any, dtype: str = 'auto', decided: bool = True) -> str:
    readonly = ReadOnlyBBoxHead(head, dtype=dtype)
    return str(readonly.format_on(CPU, decided)).removeprefix('torch.')


@pytest.mark.parametrize('make', [roi_head, spp, mr_cnn])
def test_auto_is_int8_where_a_rule_decides_in_float32(make: Any) -> None:
    assert format_of(make()) == 'int8'
    assert format_of(make(), decided=False) == 'float32'


def test_auto_leaves_narrow_networks_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = roi_head()
    num = sum(
        x.weight.numel()
        for x in int8_pass.int8_layers(head.bbox_head).values()
    )
    monkeypatch.setattr(int8_pass, '_WORTHWHILE', num)
    assert format_of(head) == 'int8'
    monkeypatch.setattr(int8_pass, '_WORTHWHILE', num + 1)
    assert format_of(head) == 'float32'
    assert format_of(head, 'int8') == 'int8'


def other_forward() -> Any:
    head = roi_head()

    class Other(type(head.bbox_head)):  # type: ignore[misc]
        def forward(self, x: Tensor) -> Any:
            return super().forward(x - 1)

    head.bbox_head.__class__ = Other
    return head


def test_the_log_says_it() -> None:
    text = describe(roi_head().bbox_sampler, '2000 RoIs')
    assert text.endswith('scored in int8; what that leaves open, in float32')


@pytest.mark.parametrize('make', [standard_roi_head, other_forward])
def test_auto_leaves_networks_alone_that_do_not_ask(make: Any) -> None:
    assert format_of(make()) == 'float32'


def test_auto_does_not_score_with_dropout_in_int8() -> None:
    readonly = ReadOnlyBBoxHead(roi_head(), dropout=True)
    assert readonly.format_on(CPU, True) == torch.float32


def test_bfloat16_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, 'multiplies_bfloat16', lambda device: True)
    assert format_of(roi_head()) == 'bfloat16'


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (dict(multiplies_int8=lambda x: False), 'cpu multiplies no 8-bit'),
        (dict(is_sharded=lambda x: True), 'FSDP shards'),
        (dict(int8_layers=lambda x: {}), 'VGGBBoxHead has no linear layer'),
    ],
)
def test_where_it_cannot_be_it_is_said_once(
    change: dict, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = roi_head()
    for name, value in change.items():
        monkeypatch.setattr(formats, name, value)
    said = hear(monkeypatch, formats)
    assert format_of(head, 'int8') == format_of(head, 'int8') == 'float32'
    assert len(said) == 1
    assert reason in said[0] and 'Remedy' in said[0]


def test_small_layers_and_those_of_other_kinds_are_left_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(int8_pass, '_MIN_WEIGHTS', 64 * 72)
    head = roi_head()
    assert set(int8_pass.int8_layers(head.bbox_head)) == {'fc6'}
    normed = dict(type='NormedLinear', tempearture=20)
    monkeypatch.setattr(int8_pass, '_MIN_WEIGHTS', 1)
    cosine = standard_roi_head(cls_predictor_cfg=normed)
    assert 'fc_cls' not in int8_pass.int8_layers(cosine.bbox_head)
