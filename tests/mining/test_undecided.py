"""What a choice does not depend on may be wrong by its error."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mmdet_ohem import select_hard_examples
from mmdet_ohem.mining.decided_pass import Scored, score_undecided
from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import Rule, rule_names
from mmdet_ohem.mining.undecided import undecided_hard_examples
from tests.mining.rules.rois import rois_by_hand

# Boxes 0 and 1 overlap by 0.9, the others lie apart.
BOXES = torch.tensor(
    [[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [40, 0, 50, 10]]
)


@pytest.mark.parametrize(
    ('losses', 'num', 'expected'),
    [
        ([9.0, 5, 3, 1], 2, [2]),  # the easiest one selected, alone
        ([5.0, 5.1, 3, 1], 2, [0, 1, 2]),  # which of the duplicates stays
        ([9.0, 5, 3, 2.9], 2, [2, 3]),  # which of them is selected
        ([9.0, 5, 3, 2.9], 3, []),  # all that are left
        ([9.0, 1, 8, 0.9], 0, []),
        ([2.0, 1.9, 8, 7], 2, [3]),  # duplicates too easy to matter
    ],
)
def test_by_hand(losses: list, num: int, expected: list) -> None:
    errors = torch.full((4,), 0.1)
    found = undecided_hard_examples(torch.tensor(losses), errors, BOXES, num)
    assert found.nonzero().squeeze(1).tolist() == expected


def test_what_is_exact_is_decided() -> None:
    losses, errors = torch.tensor([5.0, 5, 3, 2.9]), torch.zeros(4)
    assert not undecided_hard_examples(losses, errors, BOXES, 2).any()
    errors[1] = 0.1
    found = undecided_hard_examples(losses, errors, BOXES, 2)
    assert found.tolist() == [False, True, False, False]


def test_a_loss_that_is_not_finite_is_open() -> None:
    losses = torch.tensor([9.0, torch.nan, torch.inf, 1])
    errors = torch.tensor([0.1, torch.inf, torch.inf, 0.1])
    found = undecided_hard_examples(losses, errors, BOXES, 4)
    assert found.tolist() == [False, True, True, False]


def test_duplicates_of_two_labels_do_not_compete() -> None:
    losses, errors = torch.tensor([5.0, 5, 3, 1]), torch.full((4,), 0.1)
    labels = torch.tensor([0, 1, 0, 0])
    found = undecided_hard_examples(losses, errors, BOXES, 4, 0.7, labels)
    assert not found.any()


def test_no_roi() -> None:
    none = torch.zeros(0)
    assert not len(undecided_hard_examples(none, none, none.view(0, 4), 3))


def test_the_rule_says_it_with_its_keys() -> None:
    rule = Rule(dict(type='ohem', class_aware_nms=True))
    rois = rois_by_hand([5.0, 5, 3, 1], labels=[0, 1, 0, 0], boxes=BOXES)
    errors = torch.full((4,), 0.1)
    assert not rule.undecided(rois, 4, errors).any()
    assert Rule('ohem').undecided(rois, 4, errors).tolist()[:2] == [True, True]


@pytest.mark.parametrize('name', sorted(set(rule_names()) - {'ohem'}))
def test_other_rules_are_given_exact_losses(name: str) -> None:
    assert not Rule(name).tells_undecided


def crowd(num: int) -> tuple[Tensor, Tensor]:
    corner = torch.rand(num, 2) * 40
    boxes = torch.cat([corner, corner + 20 + torch.rand(num, 2) * 20], 1)
    return torch.rand(num).exp(), boxes


@pytest.mark.parametrize('seed', range(5))
def test_no_error_of_a_decided_roi_changes_what_is_selected(seed: int) -> None:
    torch.manual_seed(seed)
    losses, boxes = crowd(120)
    errors = torch.rand(120) * 0.02
    while True:
        rows = undecided_hard_examples(losses, errors, boxes, 12)
        if not rows.any():
            break
        errors[rows] = 0
    assert (errors > 0).any()
    selected = select_hard_examples(losses, boxes, 12)
    for _ in range(20):
        # Two errors are added up as independent ones are: at most by
        # their root of a half.
        noise = (torch.rand(120) * 2 - 1) * errors * 0.7
        found = select_hard_examples(losses + noise, boxes, 12)
        assert set(found.tolist()) == set(selected.tolist())


def scored(losses: Tensor) -> Scored:
    return Scored(RoILosses(losses, torch.zeros_like(losses)), losses, None)


def decide(rough: Tensor, exact: Tensor, groups: Any, boxes: Tensor) -> Any:
    calls = []

    def predict(rows: Tensor) -> tuple[Tensor, None]:
        calls.append(rows.tolist())
        return exact[rows], None

    found = score_undecided(
        scored(rough),
        lambda losses, errors: undecided_hard_examples(
            losses.total, errors, boxes, 12
        ),
        groups,
        predict,
        lambda cls_score, _: scored(cls_score).losses,
    )
    return found.losses.total, calls


@pytest.mark.parametrize('error', [0.0, 1e-3, 0.3])
def test_the_choice_is_that_of_exact_losses(error: float) -> None:
    # Errors of 0.3 are larger than the first guess: they are measured.
    exact, boxes = crowd(300)
    rough = exact + (torch.rand(300) - 0.5) * error
    losses, calls = decide(rough, exact, None, boxes)
    rows = [row for call in calls for row in call]
    assert len(rows) == len(set(rows))
    if error < 0.1:
        assert len(rows) < 100
    assert set(select_hard_examples(losses, boxes, 12).tolist()) == set(
        select_hard_examples(exact, boxes, 12).tolist()
    )


def test_rois_with_the_same_cells_become_exact_together() -> None:
    exact, groups = torch.tensor([5.0, 5, 3, 1]), torch.tensor([0, 0, 1, 2])
    losses, calls = decide(exact + 0.01, exact, groups, BOXES)
    assert calls == [[0, 1]]
    assert losses.tolist() == pytest.approx([5, 5, 3.01, 1.01])


def test_no_finite_loss_is_scored_again_and_ends() -> None:
    rough = torch.full((4,), torch.nan)
    losses, calls = decide(rough, torch.arange(4.0), None, BOXES)
    assert calls == [[0, 1, 2, 3]]
    assert losses.tolist() == [0, 1, 2, 3]
    losses, calls = decide(rough, rough, None, BOXES)
    assert len(calls) == 1
