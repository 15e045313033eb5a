"""Iterative localisation: a loop over single boxes as reference, laws."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.localization import (
    Rounds,
    final_detections,
    predict_candidates,
)
from mmdet_ohem.localization import iterative_localization as module
from tests.tiny import (
    CHANNELS,
    IMG_SIZE,
    NUM_CLASSES,
    STRIDE,
    features,
    random_boxes,
    standard_roi_head,
)

NMS_IOU_THR, VOTING_IOU_THR, SCORE_THR = 0.3, 0.5, 0.1
TEST_CFG = ConfigDict(
    score_thr=SCORE_THR,
    nms=dict(type='nms', iou_threshold=NMS_IOU_THR),
    max_per_img=1000,
)
ROI_ALIGN = dict(
    type='SingleRoIExtractor',
    roi_layer=dict(type='RoIAlign', output_size=3, sampling_ratio=2),
    out_channels=CHANNELS,
    featmap_strides=[STRIDE],
)
FOCAL = dict(
    type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0
)
HEADS: dict[str, dict] = {
    'softmax': {},
    'class-agnostic': dict(reg_class_agnostic=True),
    'sigmoid': dict(loss_cls=FOCAL),
    'one class': dict(num_classes=1),
}
# Boxes of the images as resized, and the images' sides.
SHAPES = [(IMG_SIZE, IMG_SIZE), (200, 230)]

Candidate = tuple[list[float], float, int]


def head(**bbox_head: Any) -> Any:
    """A head whose scores follow the boxes without jumps, as RoIAlign's do.

    RoI pooling rounds: the last bit of a box may move a whole cell.
    """
    roi_head = standard_roi_head(**bbox_head).eval()
    roi_head.bbox_roi_extractor = MODELS.build(ROI_ALIGN)
    roi_head.test_cfg = TEST_CFG
    return roi_head


def images(*num_proposals: int) -> tuple[list[Tensor], list[dict], list]:
    """Features, metas and proposals of some images."""
    feats = [torch.cat([features()[0] for _ in num_proposals])]
    metas = [
        dict(img_shape=SHAPES[i % 2], scale_factor=(1.5, 1.25))
        for i in range(len(num_proposals))
    ]
    proposals = []
    for num, meta in zip(num_proposals, metas, strict=True):
        height, width = meta['img_shape']
        limit = torch.tensor([width, height, width, height])
        boxes = random_boxes(num).minimum(limit)
        proposals.append(InstanceData(bboxes=boxes))
    return feats, metas, proposals


@torch.no_grad()
def predict(roi_head: Any, data: Any, **keys: Any) -> list[InstanceData]:
    feats, metas, proposals = data
    rescale = keys.pop('rescale', False)
    return predict_candidates(
        roi_head, feats, metas, proposals, rescale, Rounds(**keys)
    )


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    union = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)) - inter
    return inter / union if union > 0 else 0


def decode(
    box: Sequence[float], deltas: Sequence[float], shape: tuple[int, int]
) -> list[float]:
    """The standard coder of mmdet's box heads, one box at a time."""
    width, height = box[2] - box[0], box[3] - box[1]
    dx, dy, dw, dh = (
        d * s for d, s in zip(deltas, (0.1, 0.1, 0.2, 0.2), strict=True)
    )
    x = (box[0] + box[2]) / 2 + dx * width
    y = (box[1] + box[3]) / 2 + dy * height
    w = width * torch.tensor(dw).exp().item()
    h = height * torch.tensor(dh).exp().item()
    corners = x - w / 2, y - h / 2, x + w / 2, y + h / 2
    return [
        min(max(c, 0.0), float(shape[1 - i % 2]))
        for i, c in enumerate(corners)
    ]


def look(
    roi_head: Any, feats: Any, n: int, box: Sequence[float], shape: Any
) -> list[Candidate]:
    """Score and relocate one box: a candidate of each class."""
    result = roi_head._bbox_forward(feats, torch.tensor([[n, *box]]))
    scores = result['cls_score'][0].softmax(0).tolist()
    deltas = result['bbox_pred'][0].reshape(-1, 4).tolist()
    num_classes = len(scores) - 1
    return [
        (decode(box, deltas[c % len(deltas)], shape), scores[c], c)
        for c in range(num_classes)
    ]


def greedy_nms(rows: list[Candidate], iou_thr: float) -> list[Candidate]:
    kept: list[Candidate] = []
    for row in sorted(rows, key=lambda row: -row[1]):
        if all(iou(row[0], k[0]) <= iou_thr for k in kept if k[2] == row[2]):
            kept.append(row)
    return kept


@torch.no_grad()
def all_rounds(
    roi_head: Any, data: Any, n: int, rounds: Rounds
) -> list[list[Candidate]]:
    """The rounds of image n by the definition."""
    feats, metas, proposals = data
    shape = metas[n]['img_shape']
    found = [
        [
            row
            for box in proposals[n].bboxes.tolist()
            for row in look(roi_head, feats, n, box, shape)
        ]
    ]
    while True:
        latest, following = found[-1], []
        for label in range(NUM_CLASSES):
            high = [
                row
                for row in latest
                if row[2] == label and row[1] > rounds.refine_score_thr
            ]
            if rounds.refine_nms_iou_thr is not None:
                high = greedy_nms(high, rounds.refine_nms_iou_thr)
            high = sorted(high, key=lambda row: -row[1])
            for row in high[: rounds.refine_max_per_class]:
                again = look(roi_head, feats, n, row[0], shape)[label]
                following.append(again)
                if rounds.kept_score == 'after':
                    own = latest.index(row)
                    latest[own] = (row[0], again[1], label)
        if len(found) == rounds.num_rounds:
            return found
        found.append(following)


def vote(row: Candidate, pool: list[Candidate]) -> Candidate:
    near = [
        other
        for other in pool
        if other[2] == row[2] and iou(row[0], other[0]) >= VOTING_IOU_THR
    ]
    total = sum(other[1] for other in near)
    box = [sum(o[1] * o[0][i] for o in near) / total for i in range(4)]
    return (box, row[1], row[2])


def assert_same(found: InstanceData, expected: list[Candidate]) -> None:
    """Same candidates in any order."""
    assert len(found) == len(expected)
    missing = torch.ones(len(found), dtype=torch.bool)
    for box, score, label in expected:
        same = (
            missing
            & (found.labels == label)
            & ((found.scores - score).abs() < 1e-4)
            & ((found.bboxes - torch.tensor(box)).abs() < 0.02).all(1)
        )
        assert same.any(), (box, score, label)
        missing[same.nonzero()[0]] = False


@pytest.mark.parametrize('name', HEADS)
@pytest.mark.parametrize('num_rounds', [1, 2, 3])
@pytest.mark.parametrize('kept_score', ['before', 'after'])
def test_equals_the_loop(name: str, num_rounds: int, kept_score: str) -> None:
    """The whole of +B: rounds, NMS, vote."""
    roi_head, data = head(**HEADS[name]), images(10, 7)
    rounds = Rounds(
        num_rounds,
        refine_score_thr=0.12,
        refine_nms_iou_thr=0.6,
        refine_max_per_class=5,
        kept_score=kept_score,
    )
    with torch.no_grad():
        found = predict_candidates(roi_head, *data, rounds=rounds)
    for n, candidates in enumerate(found):
        expected = all_rounds(roi_head, data, n, rounds)
        assert len(expected) == num_rounds
        assert all(expected)
        pool = [row for each in expected for row in each]
        assert_same(candidates, pool)
        survivors = greedy_nms(
            [row for row in pool if row[1] > SCORE_THR], NMS_IOU_THR
        )
        voted = final_detections(
            candidates, **TEST_CFG, voting_iou_thr=VOTING_IOU_THR
        )
        assert_same(voted, [vote(row, pool) for row in survivors])


@pytest.mark.parametrize('name', HEADS)
@pytest.mark.parametrize('rescale', [False, True])
@pytest.mark.parametrize('num_proposals', [(20, 30), (0, 5), (5, 0), (0, 0)])
def test_one_round_without_voting_is_stock_inference(
    name: str, rescale: bool, num_proposals: tuple[int, int]
) -> None:
    roi_head, data = head(**HEADS[name]), images(*num_proposals)
    with torch.no_grad():
        stock = roi_head.predict_bbox(*data, TEST_CFG, rescale=rescale)
    found = predict(roi_head, data, rescale=rescale)
    for candidates, expected in zip(found, stock, strict=True):
        detections = final_detections(candidates, **TEST_CFG)
        for field in ('bboxes', 'scores', 'labels'):
            assert torch.equal(detections[field], expected[field])


@pytest.mark.parametrize('num_rounds', [2, 3])
@pytest.mark.parametrize('num_proposals', [(0, 5), (5, 0), (0, 0)])
def test_images_without_proposals_have_no_candidates(
    num_rounds: int, num_proposals: tuple[int, int]
) -> None:
    found = predict(head(), images(*num_proposals), num_rounds=num_rounds)
    for candidates, num in zip(found, num_proposals, strict=True):
        assert (len(candidates) == 0) == (num == 0)


def test_images_do_not_mix() -> None:
    roi_head, (feats, metas, proposals) = head(), images(12, 7)
    together = predict(roi_head, (feats, metas, proposals), num_rounds=2)
    for n in range(2):
        one = [feats[0][n : n + 1]], metas[n : n + 1], proposals[n : n + 1]
        alone = predict(roi_head, one, num_rounds=2)[0]
        for field in ('bboxes', 'scores', 'labels'):
            torch.testing.assert_close(alone[field], together[n][field])


def test_perfect_regression_gives_the_same_boxes_again() -> None:
    roi_head, data = head(), images(12, 7)
    torch.nn.init.zeros_(roi_head.bbox_head.fc_reg.weight)
    torch.nn.init.zeros_(roi_head.bbox_head.fc_reg.bias)
    keys: dict[str, Any] = dict(refine_score_thr=0.0, refine_nms_iou_thr=None)
    first = predict(roi_head, data)
    both = predict(roi_head, data, num_rounds=2, **keys)
    for one, two, proposals in zip(first, both, data[2], strict=True):
        again = two[len(one) :]
        assert len(again) == len(one) == len(proposals) * NUM_CLASSES
        for label in range(NUM_CLASSES):
            r1, r2 = one[one.labels == label], again[again.labels == label]
            order = r1.scores.argsort(descending=True)
            torch.testing.assert_close(r2.bboxes, r1.bboxes[order])
            torch.testing.assert_close(r2.scores, r1.scores[order])


def test_a_score_of_its_own_changes_nothing_with_perfect_regression() -> None:
    roi_head, data = head(), images(12)
    torch.nn.init.zeros_(roi_head.bbox_head.fc_reg.weight)
    torch.nn.init.zeros_(roi_head.bbox_head.fc_reg.bias)
    before = predict(roi_head, data, num_rounds=2)[0]
    after = predict(roi_head, data, num_rounds=2, kept_score='after')[0]
    torch.testing.assert_close(after.scores, before.scores)
    torch.testing.assert_close(after.bboxes, before.bboxes)


def test_a_score_of_its_own_leaves_the_boxes() -> None:
    roi_head, data = head(), images(12)
    keys: dict[str, Any] = dict(num_rounds=2, refine_score_thr=0.15)
    before = predict(roi_head, data, **keys)[0]
    after = predict(roi_head, data, **keys, kept_score='after')[0]
    assert torch.equal(after.bboxes, before.bboxes)
    changed = after.scores != before.scores
    assert changed.any()
    # Who did not go on was not scored again.
    assert not changed[before.scores <= 0.15].any()


def test_only_high_scoring_boxes_go_on() -> None:
    roi_head, data = head(), images(20)
    first = predict(roi_head, data)[0]
    score_thr = first.scores.median().item()
    found = predict(
        roi_head,
        data,
        num_rounds=2,
        refine_score_thr=score_thr,
        refine_nms_iou_thr=None,
    )[0]
    assert len(found) == len(first) + (first.scores > score_thr).sum()
    nothing = predict(roi_head, data, num_rounds=3, refine_score_thr=1.0)[0]
    assert len(nothing) == len(first)


def test_so_many_of_each_class_go_on() -> None:
    roi_head, data = head(), images(20, 20)
    found = predict(
        roi_head,
        data,
        num_rounds=2,
        refine_score_thr=0.0,
        refine_nms_iou_thr=None,
        refine_max_per_class=3,
    )
    for candidates in found:
        again = candidates.labels[20 * NUM_CLASSES :]
        assert again.bincount().tolist() == [3] * NUM_CLASSES


def test_duplicates_go_on_once() -> None:
    roi_head, (feats, metas, proposals) = head(), images(6)
    twice = [InstanceData(bboxes=proposals[0].bboxes.repeat(2, 1))]
    keys: dict[str, Any] = dict(num_rounds=2, refine_score_thr=0.0)
    once = predict(roi_head, (feats, metas, proposals), **keys)[0]
    found = predict(roi_head, (feats, metas, twice), **keys)[0]
    assert len(found) - 12 * NUM_CLASSES == len(once) - 6 * NUM_CLASSES


def test_boxes_are_clipped_to_the_image() -> None:
    coder = dict(
        type='DeltaXYWHBBoxCoder',
        target_stds=[0.1, 0.1, 0.2, 0.2],
        clip_border=False,
    )
    roi_head, data = head(bbox_coder=coder), images(12, 12)
    torch.nn.init.normal_(roi_head.bbox_head.fc_reg.bias, std=20)
    first = predict(roi_head, data)
    assert any((each.bboxes < 0).any() for each in first)
    both = predict(roi_head, data, num_rounds=2, refine_score_thr=0.0)
    for one, two, meta in zip(first, both, data[1], strict=True):
        height, width = meta['img_shape']
        boxes = two.bboxes[len(one) :]
        assert len(boxes) > 0
        assert (boxes >= 0).all()
        assert (boxes[:, [0, 2]] <= width).all()
        assert (boxes[:, [1, 3]] <= height).all()


def test_boxes_without_area_do_not_go_on() -> None:
    roi_head, (feats, metas, _) = head(), images(1)
    # Beyond the right edge of the image: relocated, then clipped to nothing.
    outside = [InstanceData(bboxes=torch.tensor([[900.0, 10, 950, 60]]))]
    found = predict(
        roi_head, (feats, metas, outside), num_rounds=2, refine_score_thr=0.0
    )[0]
    assert len(found) == NUM_CLASSES
    assert (found.bboxes[:, 0] == found.bboxes[:, 2]).all()


def test_rescaling_comes_last() -> None:
    roi_head, data = head(), images(12, 7)
    keys: dict[str, Any] = dict(num_rounds=2)
    plain = predict(roi_head, data, **keys)
    rescaled = predict(roi_head, data, **keys, rescale=True)
    for one, two in zip(plain, rescaled, strict=True):
        factor = torch.tensor([1.5, 1.25, 1.5, 1.25])
        torch.testing.assert_close(two.bboxes * factor, one.bboxes)
        assert torch.equal(two.scores, one.scores)


def test_passes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    roi_head, data = head(), images(12, 7)
    keys: dict[str, Any] = dict(num_rounds=3, refine_score_thr=0.0)
    whole = predict(roi_head, data, **keys)
    monkeypatch.setattr(module, '_ROIS_PER_PASS', 5)
    for one, two in zip(whole, predict(roi_head, data, **keys), strict=True):
        assert torch.equal(two.labels, one.labels)
        torch.testing.assert_close(two.bboxes, one.bboxes)
        torch.testing.assert_close(two.scores, one.scores)


def test_on_each_device(device: torch.device) -> None:
    roi_head, (feats, metas, proposals) = head(), images(12, 7)
    expected = predict(roi_head, (feats, metas, proposals), num_rounds=2)
    moved = (
        [feat.to(device) for feat in feats],
        metas,
        [each.to(device) for each in proposals],
    )
    found = predict(roi_head.to(device), moved, num_rounds=2)
    for one, two in zip(expected, found, strict=True):
        torch.testing.assert_close(
            two.bboxes.cpu(), one.bboxes, rtol=0, atol=1e-2
        )


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('num_rounds', 0),
        ('refine_max_per_class', 0),
        ('refine_nms_iou_thr', 1.5),
        ('kept_score', 'both'),
    ],
)
def test_refuses_values_out_of_range(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=key):
        Rounds(**{key: value})
