"""The selection rule against a plain loop, and on hand-worked boxes."""

import math

import pytest
import torch
from torch import Tensor

from mmdet_ohem import select_hard_examples


def oracle(
    losses: list[float],
    boxes: list[list[float]],
    num: int,
    nms_iou_thr: float | None = 0.7,
    labels: list[int] | None = None,
) -> list[int]:
    """The rule as the paper words it: a loop over RoIs, hardest first."""

    def iou(a: list[float], b: list[float]) -> float:
        width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
        height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
        area_a = (a[2] - a[0]) * (a[3] - a[1])
        area_b = (b[2] - b[0]) * (b[3] - b[1])
        union = area_a + area_b - width * height
        return width * height / union if union > 0 else 0

    ranking = sorted(
        (i for i in range(len(losses)) if math.isfinite(losses[i])),
        key=lambda i: (-losses[i], i),
    )
    kept: list[int] = []
    for i in ranking:
        rivals = [j for j in kept if labels is None or labels[j] == labels[i]]
        if nms_iou_thr is None or all(
            iou(boxes[i], boxes[j]) <= nms_iou_thr for j in rivals
        ):
            kept.append(i)
    return kept[:num]


def integer_boxes(num: int, size: int = 24) -> Tensor:
    """Boxes on a coarse grid: many duplicates, and some without area."""
    corners = torch.randint(0, size, (num, 2, 2)).sort(1).values
    return corners.reshape(num, 4).float()


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('nms_iou_thr', [None, 0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize('class_aware', [False, True])
def test_equals_oracle(
    seed: int, nms_iou_thr: float, class_aware: bool, device: torch.device
) -> None:
    torch.manual_seed(seed)
    boxes = integer_boxes(120)
    # Few distinct values: many ties.
    losses = torch.randint(0, 12, (120,)).float() / 4
    losses[torch.randint(0, 120, (6,))] = torch.tensor(
        [math.nan, math.inf, -math.inf] * 2
    )
    labels = torch.randint(0, 4, (120,)) if class_aware else None
    expected = oracle(
        losses.tolist(),
        boxes.tolist(),
        40,
        nms_iou_thr,
        None if labels is None else labels.tolist(),
    )
    found = select_hard_examples(
        losses.to(device),
        boxes.to(device),
        40,
        nms_iou_thr,
        None if labels is None else labels.to(device),
    )
    assert found.dtype == torch.int64
    assert found.tolist() == expected


def test_a_box_at_exactly_the_threshold_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 1]])  # IoU 0.5, exact
    losses = torch.tensor([2.0, 1.0])
    assert select_hard_examples(losses, boxes, 2, 0.5).tolist() == [0, 1]
    assert select_hard_examples(losses, boxes, 2, 0.49).tolist() == [0]


def test_only_kept_boxes_suppress() -> None:
    # 0 removes 1; 2 overlaps 1 but not 0 by more than the threshold.
    boxes = torch.tensor(
        [[0.0, 0, 10, 10], [2, 0, 12, 10], [4, 0, 14, 10]]
    )  # IoU 0-1 and 1-2: .67, 0-2: .43
    losses = torch.tensor([3.0, 2.0, 1.0])
    assert select_hard_examples(losses, boxes, 3, 0.6).tolist() == [0, 2]


def test_nms_comes_before_the_cut() -> None:
    # Were the top 2 taken first, the duplicate would leave one RoI only.
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]])
    losses = torch.tensor([3.0, 2.0, 1.0])
    assert select_hard_examples(losses, boxes, 2).tolist() == [0, 2]


def test_labels_limit_suppression_to_their_own() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]] * 3)
    losses = torch.tensor([1.0, 3.0, 2.0])
    labels = torch.tensor([5, 5, 7])
    kept = select_hard_examples(losses, boxes, 3, labels=labels)
    assert kept.tolist() == [1, 2]


def test_ties_go_by_index() -> None:
    boxes = torch.arange(4).float()[:, None] * 20 + torch.tensor(
        [0.0, 0, 10, 10]
    )
    losses = torch.tensor([1.0, 2.0, 1.0, 2.0])
    assert select_hard_examples(losses, boxes, 4).tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_never_selected(bad: float) -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10]] * 3)
    losses = torch.tensor([bad, 1.0, bad])
    # Nor does it suppress what is.
    assert select_hard_examples(losses, boxes, 3).tolist() == [1]
    assert int((~losses.isfinite()).sum()) == 2


def test_all_losses_not_finite_select_nothing() -> None:
    losses = torch.full((3,), math.nan)
    assert select_hard_examples(losses, integer_boxes(3), 3).numel() == 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_ranks_as_its_float32_values(
    dtype: torch.dtype,
) -> None:
    losses = torch.rand(50).to(dtype)
    boxes = integer_boxes(50)
    assert torch.equal(
        select_hard_examples(losses, boxes.to(dtype), 20),
        select_hard_examples(losses.float(), boxes, 20),
    )


@pytest.mark.parametrize('num', [0, 1, 5, 100])
def test_at_most_num_and_fewer_when_there_are_fewer(num: int) -> None:
    boxes = torch.arange(6).float()[:, None] * 20 + torch.tensor(
        [0.0, 0, 10, 10]
    )
    kept = select_hard_examples(torch.rand(6), boxes, num)
    assert len(kept) == min(num, 6)


def test_no_rois_give_an_empty_index() -> None:
    kept = select_hard_examples(torch.empty(0), torch.empty(0, 4), 64)
    assert kept.shape == (0,)
    assert kept.dtype == torch.int64
    labels = torch.empty(0, dtype=torch.long)
    assert (
        select_hard_examples(
            torch.empty(0), torch.empty(0, 4), 64, labels=labels
        ).shape
        == kept.shape
    )


def test_one_roi_is_selected() -> None:
    kept = select_hard_examples(
        torch.tensor([0.0]), torch.tensor([[0.0, 0, 1, 1]]), 64
    )
    assert kept.tolist() == [0]


def test_selection_ignores_a_common_factor_and_a_shift_of_the_boxes() -> None:
    losses, boxes = torch.rand(80), integer_boxes(80)
    expected = select_hard_examples(losses, boxes, 30)
    # Powers of two keep every IoU as it is, to the last bit.
    found = select_hard_examples(8 * losses, 4 * boxes + 256, 30)
    assert torch.equal(found, expected)


def test_no_autograd_and_arguments_untouched() -> None:
    losses = torch.rand(20, requires_grad=True)
    boxes = integer_boxes(20)
    before = boxes.clone()
    kept = select_hard_examples(losses, boxes, 5)
    assert not kept.requires_grad
    assert torch.equal(boxes, before)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num=-1), 'num must be 0 or more, got -1'),
        (dict(nms_iou_thr=1.5), r'nms_iou_thr must be .* got 1.5'),
        (dict(boxes=torch.zeros(3, 5)), r'got \(3,\) and \(3, 5\)'),
        (dict(boxes=torch.zeros(2, 4)), r'got \(3,\) and \(2, 4\)'),
        (dict(labels=torch.zeros(2)), r'labels must have shape \(3,\)'),
    ],
)
def test_bad_arguments_are_named(kwargs: dict, message: str) -> None:
    arguments = dict(losses=torch.zeros(3), boxes=torch.zeros(3, 4), num=1)
    with pytest.raises(ValueError, match=message):
        select_hard_examples(**(arguments | kwargs))
