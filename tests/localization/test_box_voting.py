"""Box voting: hand-worked numbers, a loop as reference, laws, memory."""

from collections.abc import Callable
from importlib import import_module

import pytest
import torch
from torch import Tensor

from mmdet_ohem import box_voting
from mmdet_ohem.localization import box_voting_by_group
from tests.localization.memory import peak_bytes
from tests.tiny import random_boxes


def iou(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    union = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)) - inter
    return inter / union if union > 0 else 0


def vote_by_loop(
    boxes: Tensor, candidates: Tensor, scores: Tensor, iou_thr: float = 0.5
) -> Tensor:
    """The definition, one box and one candidate at a time, in float64."""
    voted = []
    for box in boxes.double().tolist():
        total, sums = 0.0, [0.0] * 4
        pairs = zip(candidates.double().tolist(), scores.tolist(), strict=True)
        for candidate, score in pairs:
            if iou(box, candidate) >= iou_thr:
                total += score
                sums = [
                    s + score * x for s, x in zip(sums, candidate, strict=True)
                ]
        voted.append([s / total for s in sums] if total > 0 else box)
    return torch.tensor(voted, dtype=torch.float64).reshape(-1, 4)


def crowd(num: int = 300) -> tuple[Tensor, Tensor]:
    """Candidates in clusters, so that many overlap, with scores."""
    centers = random_boxes(12).repeat(num // 12, 1)
    return centers + 4 * torch.randn_like(centers), torch.rand(len(centers))


def test_hand_worked_vote() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]])
    candidates = torch.tensor(
        [
            [0.0, 0, 10, 10],  # itself
            [0, 0, 10, 5],  # IoU exactly 0.5: votes
            [0, 0, 10, 4.9],  # IoU 0.49: does not
            [50, 50, 60, 60],
        ]
    )
    scores = torch.tensor([0.75, 0.25, 1, 1])
    voted = box_voting(boxes, candidates, scores)
    torch.testing.assert_close(voted, torch.tensor([[0, 0, 10, 8.75]]))


@pytest.mark.parametrize('iou_thr', [0.0, 0.3, 0.5, 0.8])
def test_equals_the_loop(iou_thr: float, device: torch.device) -> None:
    candidates, scores = crowd()
    boxes = candidates[::9]
    voted = box_voting(
        boxes.to(device), candidates.to(device), scores.to(device), iou_thr
    )
    expected = vote_by_loop(boxes, candidates, scores, iou_thr)
    torch.testing.assert_close(
        voted.cpu().double(), expected, rtol=0, atol=1e-3
    )


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates, scores = crowd()
    whole = box_voting(candidates, candidates, scores)
    module = import_module('mmdet_ohem.localization.box_voting')
    for pairs in (1, 7 * len(candidates)):
        monkeypatch.setattr(module, '_PAIRS_AT_A_TIME', pairs)
        chunked = box_voting(candidates, candidates, scores)
        torch.testing.assert_close(chunked, whole, rtol=0, atol=1e-4)


def test_threshold_1_changes_nothing() -> None:
    candidates, scores = crowd()
    boxes = torch.cat([candidates[:50], candidates[:50], random_boxes(9)])
    assert torch.equal(box_voting(boxes, candidates, scores, 1.0), boxes)


@pytest.mark.parametrize(
    'move',
    [
        lambda x: x + 37.5,
        lambda x: x * 2.5,
        lambda x: x / 1024,
        lambda x: x[:, [1, 0, 3, 2]],  # transposed
        lambda x: 256 - x[:, [2, 3, 0, 1]],  # mirrored both ways
    ],
)
def test_moves_with_all_boxes(move: Callable[[Tensor], Tensor]) -> None:
    candidates, scores = (x.double() for x in crowd())
    boxes = candidates[::7]
    moved = box_voting(move(boxes), move(candidates), scores)
    torch.testing.assert_close(
        moved, move(box_voting(boxes, candidates, scores))
    )


def test_tiny_boxes_vote_as_large_ones_do() -> None:
    candidates, scores = (x.double() for x in crowd())
    voted = box_voting(candidates, candidates, scores)
    tiny = box_voting(candidates * 1e-6, candidates * 1e-6, scores)
    torch.testing.assert_close(tiny, voted * 1e-6, rtol=1e-6, atol=0)


def test_order_of_candidates_does_not_matter() -> None:
    candidates, scores = crowd()
    boxes, order = candidates[::7], torch.randperm(len(candidates))
    torch.testing.assert_close(
        box_voting(boxes, candidates[order], scores[order]),
        box_voting(boxes, candidates, scores),
        rtol=0,
        atol=1e-3,
    )


def test_boxes_are_voted_on_independently() -> None:
    candidates, scores = crowd()
    order = torch.randperm(len(candidates))
    voted = box_voting(candidates, candidates, scores)
    assert torch.equal(
        box_voting(candidates[order], candidates, scores), voted[order]
    )


def test_stays_inside_the_hull_of_the_voters() -> None:
    candidates, scores = crowd()
    boxes = candidates[::7]
    for box, voted in zip(
        boxes, box_voting(boxes, candidates, scores), strict=True
    ):
        voters = torch.stack(
            [c for c in candidates if iou(box.tolist(), c.tolist()) >= 0.5]
        )
        assert (voted >= voters.amin(0) - 1e-4).all()
        assert (voted <= voters.amax(0) + 1e-4).all()


def test_equal_scores_give_the_plain_mean() -> None:
    box = torch.tensor([[0.0, 0, 10, 10]])
    candidates = box + torch.tensor([[-1.0], [0], [1], [1]])
    for score in (1.0, 0.3, 1e-6, 1e-30):
        voted = box_voting(box, candidates, torch.full((4,), score))
        torch.testing.assert_close(voted, box + 0.25)


def test_a_greater_score_pulls_further() -> None:
    box = torch.tensor([[0.0, 0, 10, 10]])
    candidates = torch.cat([box, box + 1])
    pulls = [
        box_voting(box, candidates, torch.tensor([0.5, score]))[0, 0]
        for score in (0.0, 0.1, 0.5, 0.9)
    ]
    assert pulls[0] == 0
    assert pulls[2] == 0.5
    assert pulls == sorted(set(pulls))


def test_without_candidates_boxes_stay() -> None:
    boxes = random_boxes(5)
    voted = box_voting(boxes, boxes[:0], torch.zeros(0))
    assert torch.equal(voted, boxes)


def test_without_boxes_there_is_nothing_to_vote_on() -> None:
    candidates, scores = crowd()
    assert box_voting(candidates[:0], candidates, scores).shape == (0, 4)


def test_one_candidate_takes_the_box() -> None:
    box = torch.tensor([[0.0, 0, 10, 10], [100, 100, 110, 110]])
    candidate = torch.tensor([[1.0, 1, 11, 11]])
    voted = box_voting(box, candidate, torch.tensor([1e-5]))
    torch.testing.assert_close(voted[:1], candidate)
    assert torch.equal(voted[1], box[1])


@pytest.mark.parametrize('score', [0.0, -0.0, -1.0, float('nan')])
def test_a_vote_without_weight_does_not_count(score: float) -> None:
    box = torch.tensor([[0.0, 0, 10, 10]])
    candidates = torch.cat([box, box + 1])
    scores = torch.tensor([score, score])
    assert torch.equal(box_voting(box, candidates, scores), box)
    voted = box_voting(box, candidates, torch.tensor([0.5, score]))
    assert torch.equal(voted, box)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_a_candidate_that_is_not_finite_does_not_vote(value: float) -> None:
    box = torch.tensor([[0.0, 0, 10, 10]])
    candidates = torch.cat([box, box])
    candidates[1, 2] = value
    for iou_thr in (0.0, 0.5):
        voted = box_voting(box, candidates, torch.ones(2), iou_thr)
        assert torch.equal(voted, box)


def test_a_box_that_is_not_finite_stays() -> None:
    boxes = torch.tensor([[0.0, 0, float('inf'), 10]])
    voted = box_voting(boxes, random_boxes(3), torch.ones(3))
    assert torch.equal(voted, boxes)


def test_boxes_without_area_stay_and_do_not_vote() -> None:
    flat = torch.tensor([[5.0, 5, 5, 9], [3, 3, 3, 3], [9, 9, 4, 4]])
    box = torch.tensor([[0.0, 0, 10, 10]])
    boxes = torch.cat([flat, box])
    voted = box_voting(boxes, boxes, torch.ones(4))
    assert torch.equal(voted, boxes)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_voted_in_float32(dtype: torch.dtype) -> None:
    candidates, scores = (x.to(dtype) for x in crowd())
    voted = box_voting(candidates, candidates, scores)
    assert voted.dtype == torch.float32
    expected = vote_by_loop(candidates, candidates, scores.float())
    torch.testing.assert_close(voted.double(), expected, rtol=0, atol=1e-2)


def test_autocast_does_not_round(device: torch.device) -> None:
    candidates, scores = (x.to(device) for x in crowd())
    expected = box_voting(candidates, candidates, scores)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        voted = box_voting(candidates, candidates, scores)
    assert torch.equal(voted, expected)


def test_groups_vote_among_themselves() -> None:
    candidates, scores = crowd()
    groups = torch.randint(0, 5, (len(candidates),)) * 3 - 3
    groups[groups == 0] = 3  # a group without members
    voted = box_voting_by_group(candidates, groups, candidates, scores, groups)
    for group in groups.unique():
        mine = groups == group
        alone = box_voting(candidates[mine], candidates[mine], scores[mine])
        assert torch.equal(voted[mine], alone)


def test_a_group_without_candidates_stays() -> None:
    candidates, scores = crowd()
    groups = torch.zeros(len(candidates), dtype=torch.long)
    voted = box_voting_by_group(
        candidates, groups + 1, candidates, scores, groups
    )
    assert torch.equal(voted, candidates)


def test_arguments_are_left_alone() -> None:
    candidates, scores = crowd()
    before = candidates.clone(), scores.clone()
    box_voting(candidates, candidates, scores)
    assert torch.equal(candidates, before[0])
    assert torch.equal(scores, before[1])


@pytest.mark.parametrize('iou_thr', [-0.1, 1.1, float('nan')])
def test_refuses_a_threshold_that_is_no_iou(iou_thr: float) -> None:
    with pytest.raises(ValueError, match='iou_thr must be in'):
        box_voting(random_boxes(1), random_boxes(1), torch.ones(1), iou_thr)


def test_refuses_shapes_that_do_not_fit() -> None:
    boxes = random_boxes(3)
    with pytest.raises(ValueError, match='candidate_scores'):
        box_voting(boxes, boxes, torch.ones(2))
    with pytest.raises(ValueError, match='boxes must have shape'):
        box_voting(boxes[:, :3], boxes, torch.ones(3))


def test_peak_is_measured() -> None:
    def twice_one_then_another() -> None:
        for _ in range(2):
            torch.ones(10**6).add(1)

    assert 8e6 <= peak_bytes(twice_one_then_another) < 8.1e6


def test_20_classes_2000_candidates_5_scales_within_1_gb() -> None:
    num_classes, num_scales = 20, 5
    labels = torch.arange(num_classes).repeat(2000 * num_scales)
    candidates = random_boxes(len(labels))
    scores = torch.rand(len(labels))
    survivors = torch.randperm(len(labels))[:2000]
    peak = peak_bytes(
        lambda: box_voting_by_group(
            candidates[survivors],
            labels[survivors],
            candidates,
            scores,
            labels,
        )
    )
    assert 1e6 < peak < 2**28
