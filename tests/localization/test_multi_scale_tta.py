"""Views are pooled before any NMS, each image once, boxes where they are."""

from typing import Any

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.localization import MultiScaleTTAModel, box_voting_inference
from tests.localization.tiny_detectors import (
    build,
    fast_rcnn,
    faster_rcnn,
    noise,
    proposals,
)

SCALES = [(90, 60), (130, 96)]
META_KEYS = (
    'img_id',
    'ori_shape',
    'img_shape',
    'scale_factor',
    'flip',
    'flip_direction',
)
DETECTORS = {'fast': fast_rcnn, 'faster': faster_rcnn}


def views(
    img: np.ndarray,
    boxes: np.ndarray | None,
    scales: Any = SCALES,
    flips: Any = (0.0,),
    flip_first: bool = True,
) -> dict:
    """An image as ``TestTimeAug`` gives it; boxes only for Fast R-CNN."""
    data = dict(img=img, img_id=0)
    loads: list[dict] = [dict(type='LoadImageFromNDArray')]
    if boxes is not None:
        scores = np.zeros(len(boxes), np.float32)
        data['proposals'] = dict(bboxes=boxes, scores=scores)
        loads.append(dict(type='LoadProposals'))

    def step(transform: dict) -> dict:
        if boxes is None:
            return transform
        return dict(type='ProposalBroadcaster', transforms=[transform])

    resized = [
        step(dict(type='Resize', scale=scale, keep_ratio=True))
        for scale in scales
    ]
    flipped = [step(dict(type='RandomFlip', prob=prob)) for prob in flips]
    steps = [flipped, resized] if flip_first else [resized, flipped]
    steps.append([dict(type='PackDetInputs', meta_keys=META_KEYS)])
    pipeline = [*loads, dict(type='TestTimeAug', transforms=steps)]
    return Compose(pipeline)(data)


def images(kind: str) -> tuple[np.ndarray, np.ndarray | None]:
    return noise(), proposals() if kind == 'fast' else None


def detect(model: Any, *data: dict) -> list[InstanceData]:
    with torch.no_grad():
        found = model.test_step(pseudo_collate(list(data)))
    return [sample.pred_instances for sample in found]


def assert_same(
    first: InstanceData, second: InstanceData, atol: float = 1e-3
) -> None:
    assert len(first) > 3
    torch.testing.assert_close(first.scores, second.scores)
    assert torch.equal(first.labels, second.labels)
    torch.testing.assert_close(
        first.bboxes, second.bboxes, atol=atol, rtol=1e-5
    )


def iou(a: Tensor, b: Tensor) -> float:
    size = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(0)
    areas = [(x[2:] - x[:2]).prod() for x in (a, b)]
    return float(size.prod() / (sum(areas) - size.prod()).clamp(1e-9))


def merged_by_loop(
    candidates: list[tuple[Tensor, float, int]],
    score_thr: float,
    nms_iou_thr: float,
    voting_iou_thr: float | None,
) -> list[tuple[Tensor, float, int]]:
    """One candidate at a time: NMS, then the vote of all candidates."""
    kept: list[tuple[Tensor, float, int]] = []
    for box, score, label in sorted(candidates, key=lambda x: -x[1]):
        if score > score_thr and not any(
            label == other_label and iou(box, other) > nms_iou_thr
            for other, _, other_label in kept
        ):
            kept.append((box, score, label))
    if voting_iou_thr is None:
        return kept
    voted = []
    for box, score, label in kept:
        voters = [
            (other, weight)
            for other, weight, other_label in candidates
            if other_label == label and iou(box, other) >= voting_iou_thr
        ]
        weights = torch.tensor([weight for _, weight in voters])
        boxes = torch.stack([other for other, _ in voters])
        mean = (boxes * weights[:, None]).sum(0) / weights.sum()
        voted.append((mean, score, label))
    return voted


def all_candidates(detector: Any, data: dict) -> list:
    """What stock mmdet predicts in each view, nothing suppressed."""
    everything = ConfigDict(
        score_thr=-1, nms=dict(type='nms', iou_threshold=1.0), max_per_img=-1
    )
    usual = detector.roi_head.test_cfg
    detector.roi_head.test_cfg = everything
    found: list[tuple[Tensor, float, int]] = []
    for inputs, sample in zip(
        data['inputs'], data['data_samples'], strict=True
    ):
        batch = dict(inputs=[inputs], data_samples=[sample.clone()])
        (instances,) = detect_plain(detector, batch)
        found += zip(
            instances.bboxes,
            instances.scores.tolist(),
            instances.labels.tolist(),
            strict=True,
        )
    detector.roi_head.test_cfg = usual
    return found


def detect_plain(detector: Any, batch: dict) -> list[InstanceData]:
    with torch.no_grad():
        found: list[DetDataSample] = detector.test_step(batch)
    return [sample.pred_instances for sample in found]


@pytest.mark.parametrize('kind', DETECTORS)
def test_one_view_equals_stock_inference(kind: str) -> None:
    detector = build(DETECTORS[kind]())
    data = views(*images(kind), scales=SCALES[:1])
    (stock,) = detect_plain(
        detector,
        dict(
            inputs=data['inputs'],
            data_samples=[data['data_samples'][0].clone()],
        ),
    )
    (merged,) = detect(MultiScaleTTAModel(detector), data)
    assert_same(merged, stock, atol=0)


@pytest.mark.parametrize('voting_iou_thr', [None, 0.5])
@pytest.mark.parametrize('kind', DETECTORS)
def test_equals_a_loop_over_views(
    kind: str, voting_iou_thr: float | None
) -> None:
    detector = build(DETECTORS[kind]())
    data = views(*images(kind))
    expected = merged_by_loop(
        all_candidates(detector, data), 0.05, 0.3, voting_iou_thr
    )[:50]
    model = MultiScaleTTAModel(detector)
    model.voting_iou_thr = voting_iou_thr
    (found,) = detect(model, data)
    assert len(found) == len(expected) > 3
    for i, (box, score, label) in enumerate(expected):
        torch.testing.assert_close(found.bboxes[i], box, atol=1e-3, rtol=0)
        assert found.scores[i].item() == pytest.approx(score)
        assert found.labels[i] == label


@pytest.mark.parametrize('vote', [False, True])
def test_views_of_one_image_count_once(
    vote: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A 4:3 image: all but the first scale meet the limit of 130 pixels.
    scales = [(130, 60), (130, 110), (130, 120), (130, 130)]
    model = MultiScaleTTAModel(build(fast_rcnn()))
    model.voting_iou_thr = 0.5 if vote else None
    (expected,) = detect(model, views(*images('fast'), scales=scales[:2]))
    sizes = []
    step = model.module.test_step

    def counted(batch: dict) -> Any:
        sizes.append(tuple(batch['inputs'][0].shape[1:]))
        return step(batch)

    monkeypatch.setattr(model.module, 'test_step', counted)
    (found,) = detect(model, views(*images('fast'), scales=scales))
    assert sizes == [(60, 80), (98, 130)]
    assert_same(found, expected, atol=0)


def test_images_of_a_batch_have_their_own_views(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scales = [(130, 60), (130, 120), (130, 130)]
    square = noise(60, 60), proposals(height=60, width=60)
    inputs = [images('fast'), square]  # of two views and of three
    model = MultiScaleTTAModel(build(fast_rcnn()))
    alone = [detect(model, views(*x, scales=scales))[0] for x in inputs]
    batch_sizes = []
    step = model.module.test_step

    def one_at_a_time(batch: dict) -> Any:
        """Without padding, which moves the features near the border."""
        batch_sizes.append(len(batch['inputs']))
        return [
            step({key: [item[i]] for key, item in batch.items()})[0]
            for i in range(batch_sizes[-1])
        ]

    monkeypatch.setattr(model.module, 'test_step', one_at_a_time)
    together = detect(model, *(views(*x, scales=scales) for x in inputs))
    assert batch_sizes == [2, 2, 1]
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected, atol=0)


@pytest.mark.parametrize('vote', [False, True])
@pytest.mark.parametrize('kind', DETECTORS)
def test_flipped_views_see_the_mirrored_image(kind: str, vote: bool) -> None:
    """Mirrored by the pipeline or by hand: the same boxes, mirrored."""
    img, boxes = images(kind)
    width = img.shape[1]
    mirrored = np.ascontiguousarray(img[:, ::-1])
    mirrored_boxes = None
    if boxes is not None:
        mirrored_boxes = boxes.copy()
        mirrored_boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    model = MultiScaleTTAModel(build(DETECTORS[kind]()))
    (by_hand,) = detected(model, vote, views(mirrored, mirrored_boxes))
    (found,) = detected(model, vote, views(img, boxes, flips=[1.0]))
    by_hand.bboxes[:, [0, 2]] = width - by_hand.bboxes[:, [2, 0]]
    assert_same(found, by_hand, atol=0.01)


def detected(model: Any, vote: bool, data: dict) -> list[InstanceData]:
    if not vote:
        return detect(model, data)
    with box_voting_inference(model):
        return detect(model, data)


def test_flips_and_plain_views_are_pooled() -> None:
    """A mirrored image with both flips has the same pool, mirrored."""
    img, boxes = noise(), proposals()
    mirrored_boxes = boxes.copy()
    mirrored_boxes[:, [0, 2]] = 80 - boxes[:, [2, 0]]
    model = MultiScaleTTAModel(build(fast_rcnn()))
    (found,) = detect(model, views(img, boxes, flips=[0.0, 1.0]))
    mirrored = np.ascontiguousarray(img[:, ::-1])
    (other,) = detect(model, views(mirrored, mirrored_boxes, flips=[0.0, 1.0]))
    other.bboxes[:, [0, 2]] = 80 - other.bboxes[:, [2, 0]]
    assert_same(found, other, atol=0.01)
    (plain,) = detect(model, views(img, boxes))
    assert len(plain) != len(found)


def test_a_flip_after_resize_is_one_before_it() -> None:
    """Edges mirrored in the view are mirrored in the image."""
    model = MultiScaleTTAModel(build(fast_rcnn()))
    before, after = (
        detect(
            model,
            views(
                noise(),
                proposals(),
                scales=[(80, 60)],
                flips=[1.0],
                flip_first=flip_first,
            ),
        )[0]
        for flip_first in (True, False)
    )
    assert_same(before, after)


def test_keys_replace_those_of_the_detector() -> None:
    detector = build(fast_rcnn())
    keys = dict(max_per_img=2, nms=dict(type='nms', iou_threshold=0.9))
    model = MultiScaleTTAModel(detector, tta_cfg=keys)
    assert len(detect(model, views(*images('fast')))[0]) == 2
    assert detector.roi_head.test_cfg.max_per_img == 50


def test_an_image_without_proposals_has_no_detections() -> None:
    model = MultiScaleTTAModel(build(fast_rcnn()))
    data = views(noise(), np.zeros((0, 4), np.float32))
    (found,) = detected(model, True, data)
    assert found.bboxes.shape == (0, 4)
    assert len(found.scores) == len(found.labels) == 0


def test_weights_are_the_detectors() -> None:
    detector = build(fast_rcnn())
    names = set(detector.state_dict())
    model = MultiScaleTTAModel(detector)
    assert {f'module.{name}' for name in names} == set(model.state_dict())
    detect(model, views(*images('fast')))
    assert set(detector.state_dict()) == names
    assert 'predict_bbox' not in vars(detector.roi_head)


def test_a_detector_without_roi_head_is_refused() -> None:
    class SingleStage(torch.nn.Module):
        def test_step(self, data: Any) -> None: ...

    with pytest.raises(TypeError, match='SingleStage has no roi_head'):
        MultiScaleTTAModel(SingleStage())
