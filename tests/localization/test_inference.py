"""A detector votes inside the context, and is as before after it."""

import copy
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.apis import inference_detector
from mmdet.models.roi_heads import (
    GridRoIHead,
    MultiInstanceRoIHead,
    SparseRoIHead,
    StandardRoIHead,
    TridentRoIHead,
)
from mmdet.models.roi_heads.bbox_heads import SABLHead
from mmdet.models.test_time_augs import DetTTAModel
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.model import MMDistributedDataParallel
from mmengine.structures import InstanceData
from torch import Tensor, distributed, nn

from mmdet_ohem.host.refusals import check_detector
from mmdet_ohem.localization import (
    MultiScaleTTAModel,
    Rounds,
    box_voting_inference,
    candidate_prediction,
    final_detections,
    predict_candidates,
)
from tests.localization.tiny_detectors import (
    build,
    fast_rcnn,
    faster_rcnn,
    noise,
    proposals,
)
from tests.tiny import cascade_roi_head, extractor, standard_roi_head

DETECTORS: dict[str, Callable[[], dict]] = {
    'fast': fast_rcnn,
    'fast, class-agnostic': lambda: fast_rcnn(reg_class_agnostic=True),
    'fast, RoI pooling': lambda: with_roi_pooling(fast_rcnn()),
    'faster': faster_rcnn,
}
CONTEXTS = [box_voting_inference, candidate_prediction]


def with_roi_pooling(config: dict) -> dict:
    config['roi_head']['bbox_roi_extractor'] = extractor() | dict(
        out_channels=32
    )
    return config


def batch(kind: str = 'fast', num: int = 2) -> dict[str, list]:
    """Images, with proposals for Fast R-CNN."""
    image = torch.from_numpy(noise()).permute(2, 0, 1)
    samples = []
    for i in range(num):
        sample = DetDataSample()
        sample.set_metainfo(
            dict(
                img_shape=image.shape[1:],
                ori_shape=tuple(2 * n for n in image.shape[1:]),
                scale_factor=(0.5, 0.5),
            )
        )
        if kind != 'faster':
            boxes = torch.from_numpy(proposals(25 - 5 * i))
            sample.proposals = InstanceData(bboxes=boxes)
        samples.append(sample)
    return dict(
        inputs=[image.roll(i, 2) for i in range(num)], data_samples=samples
    )


def detect(model: Any, data: dict | None = None) -> list[InstanceData]:
    data = copy.deepcopy(data or batch())
    with torch.no_grad():
        return [each.pred_instances for each in model.test_step(data)]


def same(first: list[InstanceData], second: list[InstanceData]) -> bool:
    return all(
        len(one) == len(two)
        and all(
            torch.equal(one[field], two[field])
            for field in ('bboxes', 'scores', 'labels')
        )
        for one, two in zip(first, second, strict=True)
    )


def attributes(model: nn.Module) -> dict[str, dict]:
    """What every module has of its own besides parameters and modules."""
    return {name: dict(vars(m)) for name, m in model.named_modules()}


@pytest.mark.parametrize('kind', DETECTORS)
@pytest.mark.parametrize('num_rounds', [1, 2, 3])
def test_detects_by_rounds_and_vote(kind: str, num_rounds: int) -> None:
    model, data = build(DETECTORS[kind]()), batch(kind)
    with candidate_prediction(model, num_rounds=num_rounds):
        pools = detect(model, data)
    with box_voting_inference(model, num_rounds=num_rounds):
        found = detect(model, data)
    assert not same(found, detect(model, data))
    cfg = model.test_cfg.rcnn
    expected = [
        final_detections(pool, **cfg, voting_iou_thr=0.5) for pool in pools
    ]
    assert same(found, expected)


@pytest.mark.parametrize('kind', DETECTORS)
def test_one_round_without_vote_is_as_stock(kind: str) -> None:
    model, data = build(DETECTORS[kind]()), batch(kind)
    with box_voting_inference(model, num_rounds=1, voting_iou_thr=None):
        found = detect(model, data)
    assert same(found, detect(model, data))


def test_candidates_are_those_of_the_roi_head() -> None:
    model, data = build(fast_rcnn()), batch()
    prepared = model.data_preprocessor(copy.deepcopy(data))
    samples = prepared['data_samples']
    with torch.no_grad():
        expected = predict_candidates(
            model.roi_head,
            model.extract_feat(prepared['inputs']),
            [sample.metainfo for sample in samples],
            [sample.proposals for sample in samples],
            rescale=True,
            rounds=Rounds(num_rounds=2),
        )
    with candidate_prediction(model, num_rounds=2):
        assert same(detect(model, data), expected)


@pytest.mark.parametrize('context', CONTEXTS)
@pytest.mark.parametrize('raises', [False, True])
def test_nothing_stays_behind(
    context: Callable[..., AbstractContextManager], raises: bool
) -> None:
    model = build(fast_rcnn())
    before, plain = attributes(model), detect(model)
    state = copy.deepcopy(model.state_dict())
    try:
        with context(model):
            inside = detect(model)
            assert list(model.state_dict()) == list(state)
            if raises:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert raises
    assert attributes(model) == before
    assert same(detect(model), plain)
    assert not same(inside, plain)
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name])


def test_contexts_may_lie_in_each_other() -> None:
    model = build(fast_rcnn())
    plain = detect(model)
    with box_voting_inference(model):
        voted = detect(model)
        with candidate_prediction(model):
            candidates = detect(model)
        assert same(detect(model), voted)
    assert same(detect(model), plain)
    assert len(candidates[0]) == 25 * 3


def test_an_attribute_of_ones_own_comes_back() -> None:
    model = build(fast_rcnn())
    calls = []

    def listening(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return StandardRoIHead.predict_bbox(model.roi_head, *args, **kwargs)

    model.roi_head.predict_bbox = listening
    with box_voting_inference(model):
        detect(model)
    assert not calls
    detect(model)
    assert len(calls) == 1


def test_a_copy_made_inside_uses_its_own_weights() -> None:
    model = build(fast_rcnn())
    with box_voting_inference(model):
        voted = detect(model)
        copied = copy.deepcopy(model)
        assert same(detect(copied), voted)
        nn.init.zeros_(model.roi_head.bbox_head.fc_cls.weight)
        assert same(detect(copied), voted)
        assert not same(detect(model), voted)


def test_raw_predictions_are_still_to_be_had() -> None:
    """``rcnn_test_cfg=None`` is how mmdet asks for them."""
    model = build(fast_rcnn())
    model.roi_head.test_cfg = None
    plain = detect(model)
    with box_voting_inference(model):
        found = detect(model)
    assert torch.equal(found[0].bboxes, plain[0].bboxes)
    assert plain[0].scores.shape == (25, 4)


def test_documented_call() -> None:
    model = build(faster_rcnn())
    resize = dict(type='Resize', scale=(90, 60), keep_ratio=True)
    load = dict(type='LoadImageFromFile')
    pack = dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'ori_shape', 'img_shape', 'scale_factor'),
    )
    pipeline = [load, resize, pack]
    model.cfg = ConfigDict(
        test_dataloader=dict(dataset=dict(pipeline=pipeline))
    )
    plain = inference_detector(model, noise()).pred_instances
    with box_voting_inference(model):
        voted = inference_detector(model, noise()).pred_instances
    again = inference_detector(model, noise()).pred_instances
    assert same([plain], [again])
    assert not same([plain], [voted])


def mask_rcnn() -> Any:
    model = build(fast_rcnn())
    roi_head = model.roi_head
    roi_head.init_mask_head(
        dict(
            type='SingleRoIExtractor',
            roi_layer=dict(type='RoIAlign', output_size=4),
            out_channels=32,
            featmap_strides=[16],
        ),
        dict(
            type='FCNMaskHead',
            num_convs=1,
            in_channels=32,
            conv_out_channels=8,
            num_classes=3,
        ),
    )
    roi_head.test_cfg.mask_thr_binary = 0.5
    return model.eval()


def test_masks_are_predicted_from_the_voted_boxes() -> None:
    model = mask_rcnn()
    given: list[Tensor] = []
    predict_mask = model.roi_head.predict_mask

    def listening(x: Any, metas: Any, results: Any, **kwargs: Any) -> Any:
        given.extend(each.bboxes.clone() for each in results)
        return predict_mask(x, metas, results, **kwargs)

    plain = detect(model)
    model.roi_head.predict_mask = listening
    with box_voting_inference(model):
        found = detect(model)
    for one, boxes, old in zip(found, given, plain, strict=True):
        assert one.masks.shape == (len(one), 120, 160)
        # mmdet rescales boxes of a head with masks in its mask branch.
        torch.testing.assert_close(one.bboxes, 2 * boxes)
        assert not torch.equal(one.bboxes, old.bboxes[: len(one)])


@pytest.fixture
def _process_group(tmp_path: Path) -> Any:
    distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures('_process_group')
@pytest.mark.parametrize('tta', [False, True])
def test_wrapped_for_distributed_training(tta: bool) -> None:
    model = build(fast_rcnn())
    data = batch()
    if tta:
        model = MultiScaleTTAModel(model)
        data = {name: [value] for name, value in data.items()}
    wrapped = MMDistributedDataParallel(model)
    with box_voting_inference(model):
        expected = detect(model, data)
    plain = detect(model, data)
    with box_voting_inference(wrapped):
        assert same(detect(wrapped, data), expected)
    assert same(detect(wrapped, data), plain)
    assert not same(plain, expected)


def test_views_vote_together() -> None:
    model, data = build(fast_rcnn()), batch()
    tta = MultiScaleTTAModel(model)
    views = {name: [value] for name, value in data.items()}
    with box_voting_inference(model, num_rounds=3, vote_score_offset=0.5):
        expected = detect(model, data)
    with box_voting_inference(tta, num_rounds=3, vote_score_offset=0.5):
        assert tta.localization == asdict(Rounds(num_rounds=3))
        assert tta.voting_iou_thr == 0.5
        assert same(detect(tta, views), expected)
    assert tta.localization is tta.voting_iou_thr is None
    assert same(detect(tta, views), detect(model, data))


@pytest.mark.parametrize(
    'cls',
    [SparseRoIHead, GridRoIHead, MultiInstanceRoIHead, TridentRoIHead],
)
@pytest.mark.parametrize('context', CONTEXTS)
def test_refuses_another_roi_head_by_name(
    cls: Any, context: Callable[..., AbstractContextManager]
) -> None:
    model = SimpleNamespace(roi_head=cls.__new__(cls))
    with pytest.raises(TypeError, match=cls.__name__), context(model):
        pass


def test_refuses_a_cascade_by_name() -> None:
    sampler = dict(type='mmdet_ohem.OHEMSampler', num=4)
    model = SimpleNamespace(roi_head=cascade_roi_head(sampler, sampler))
    with pytest.raises(TypeError, match='CascadeRoIHead'):
        check_detector(model)


def test_refuses_another_box_head_by_name() -> None:
    roi_head = standard_roi_head()
    roi_head.bbox_head = SABLHead.__new__(SABLHead)
    with pytest.raises(TypeError, match='SABLHead'):
        check_detector(SimpleNamespace(roi_head=roi_head))


@pytest.mark.parametrize('name', ['DoubleHeadRoIHead', 'DynamicRoIHead'])
def test_kin_of_the_standard_head_is_served(name: str) -> None:
    cls = MODELS.get(name)
    roi_head = cls.__new__(cls)
    nn.Module.__init__(roi_head)
    roi_head.bbox_head = standard_roi_head().bbox_head
    check_detector(SimpleNamespace(roi_head=roi_head))


def test_refuses_a_detector_of_one_stage_by_name() -> None:
    with pytest.raises(TypeError, match='Linear has no roi_head'):
        check_detector(nn.Linear(1, 1))


def test_refuses_another_tta_model_by_name() -> None:
    model = DetTTAModel(module=build(fast_rcnn()))
    with (
        pytest.raises(TypeError, match=r'DetTTAModel.*MultiScaleTTAModel'),
        box_voting_inference(model),
    ):
        pass


def test_refuses_candidates_for_a_mask_head() -> None:
    with (
        pytest.raises(TypeError, match='mask_head'),
        candidate_prediction(mask_rcnn()),
    ):
        pass


@pytest.mark.parametrize(
    ('key', 'value'),
    [('voting_iou_thr', 1.5), ('num_rounds', 0), ('kept_score', '')],
)
def test_refuses_values_out_of_range(key: str, value: Any) -> None:
    model = build(fast_rcnn())
    with (
        pytest.raises(ValueError, match=key),
        box_voting_inference(model, **{key: value}),
    ):
        pass


def test_refuses_unknown_keys() -> None:
    with (
        pytest.raises(TypeError, match='rounds_num'),
        candidate_prediction(build(fast_rcnn()), rounds_num=2),
    ):
        pass
