"""Exact losses for the RoIs on which a choice depends.

Shapes: ``R`` RoIs of one image.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmdet_ohem.mining.roi_loss import RoILosses

#: What a rule says: given the losses and how wrong each may be, (R,), the
#: RoIs whose exact losses may change the choice, (R,), bool.
Undecided = Callable[[RoILosses, Tensor], Tensor]

# How wrong the first losses are thought to be, in shares of a loss below 1,
# until some of them are known. Of a head in training, three deviations of int8
# were 0.02 to 0.03: about twice that spares most images a second round. Of one
# that starts from random numbers they were 0.004, where all losses are alike
# and by this guess most RoIs would be undecided. So at most so many are looked
# at first.
_FIRST_GUESS = 0.06
_NUM_FIRST = 96
_NUM_DEVIATIONS = 3


class Scored(NamedTuple):
    """RoIs of one image with losses and predictions.

    Attributes:
        losses: Of each RoI.
        cls_score: As the box head gives them.
        bbox_pred: As the box head gives them.
    """

    losses: RoILosses
    cls_score: Any
    bbox_pred: Any


def score_undecided(
    rough: Scored,
    undecided: Undecided,
    groups: Tensor | None,
    predict: Callable[[Tensor], tuple[Any, Any]],
    losses_of: Callable[[Any, Any], RoILosses],
) -> Scored:
    """Replace rough predictions by exact ones, until the choice is decided.

    1. A rule says which RoIs may be chosen or not, or take the place of
       others, if each loss is wrong by at most its error.
    2. These are predicted exactly, and the losses of all are computed anew.
    3. Their differences to the rough losses tell how large the errors of the
       others are: three times their root mean square.

    Repeated until the rule finds none; the first time, only the 96 hardest
    become exact, since the errors are a guess. A loss above 1 may be wrong by
    the error itself, a smaller one by this share of it: that is how
    cross-entropy follows the class scores.

    Args:
        rough: All RoIs.
        undecided: Step 1.
        groups: Number of each RoI's group, (R,); those of a group have the
            same predictions; None: each has its own.
        predict: Exact predictions of some RoIs, given their rows.
        losses_of: Losses of all RoIs, given their predictions.

    Returns:
        All RoIs, the undecided ones exact.
    """
    total = rough.losses.total
    scale = total.clamp(max=1)
    if groups is None:
        groups = torch.arange(len(total), device=total.device)
    is_exact = torch.zeros_like(total, dtype=torch.bool)
    error, found = _FIRST_GUESS, rough
    while True:
        # What is not finite may be anything.
        errors = (error * scale).nan_to_num(torch.inf, torch.inf)
        errors = errors.masked_fill(is_exact, 0)
        is_open = undecided(found.losses, errors) & ~is_exact
        if not is_open.any():
            return found
        open_rows = is_open.nonzero().squeeze(1)
        if not is_exact.any():
            open_rows = _hardest(open_rows, total)
        rows = torch.isin(groups, groups[open_rows]).nonzero().squeeze(1)
        is_exact[rows] = True
        exact = predict(rows)
        predictions = (found.cls_score, found.bbox_pred)
        replaced = [
            _with_rows(before, rows, new)
            for before, new in zip(predictions, exact, strict=True)
        ]
        found = Scored(losses_of(*replaced), *replaced)
        wrong = (found.losses.total - total) / scale.clamp(min=1e-6)
        error = _largest_error(wrong[is_exact], error)


def _hardest(rows: Tensor, losses: Tensor) -> Tensor:
    """Of some rows, those that are looked at while the errors are a guess."""
    if len(rows) <= _NUM_FIRST:
        return rows
    return rows[losses[rows].argsort(descending=True)[:_NUM_FIRST]]


def _largest_error(wrong: Tensor, before: float) -> float:
    """Three times the root mean square of what is finite, if anything is."""
    wrong = wrong[wrong.isfinite()]
    if not len(wrong):
        return before
    return _NUM_DEVIATIONS * float(wrong.square().mean().sqrt())


def _with_rows(values: Any, rows: Tensor, new: Any) -> Any:
    """Predictions with some of their rows replaced; SABL has tuples."""
    if values is None:
        return None
    if isinstance(values, (tuple, list)):
        return tuple(
            _with_rows(x, rows, y) for x, y in zip(values, new, strict=True)
        )
    return values.index_copy(0, rows, new)
