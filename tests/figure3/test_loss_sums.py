"""Means over RoIs, by what the RoIs are."""

import math

import pytest
import torch
from torch import Tensor

from mmdet_ohem.figure3.loss_sums import (
    KINDS,
    mean_losses,
    no_sums,
    pick_mean,
    sum_by_kind,
)
from mmdet_ohem.mining.roi_loss import RoILosses

CLS = [1.0, 3.0, 0.5, 0.25, 0.125, 2.0]
LOC = [0.5, 1.5, 0.0, 0.0, 0.0, 0.0]
IS_FG = [True, True, False, False, False, False]
# 0.1 is not below 0.1.
OVERLAPS = [0.9, 0.6, 0.4, 0.1, 0.09, 0.0]


def by_hand(
    cls: list[float] = CLS, loc: list[float] = LOC, rows: slice = slice(None)
) -> Tensor:
    losses = RoILosses(torch.tensor(cls)[rows], torch.tensor(loc)[rows])
    return sum_by_kind(
        losses, torch.tensor(IS_FG)[rows], torch.tensor(OVERLAPS)[rows]
    )[None]


def test_means_by_hand() -> None:
    means = {
        m.kind: (m.num_rois, m.cls, m.loc) for m in mean_losses(by_hand())
    }
    assert means == dict(
        all=(6, 6.875 / 6, 2 / 6),
        fg=(2, 2, 1),
        near_bg=(2, 0.375, 0),
        far_bg=(2, 1.0625, 0),
    )


def test_total_is_classification_plus_localisation() -> None:
    found = pick_mean(mean_losses(by_hand()))
    assert found is not None
    assert found.total == pytest.approx(8.875 / 6, rel=1e-15)


def test_the_mean_is_over_rois_not_over_images() -> None:
    # Images of 1 and 5 RoIs.
    parts = [by_hand(rows=slice(0, 1)), by_hand(rows=slice(1, None))]
    assert torch.equal(sum(parts, no_sums(1)), by_hand())


def test_many_small_losses_are_added_up_exactly() -> None:
    num = 200_000
    losses = RoILosses(torch.full((num,), 0.1), torch.zeros(num))
    sums = no_sums(1)
    for _ in range(5):
        is_fg = torch.zeros(num, dtype=torch.bool)
        sums[0] += sum_by_kind(losses, is_fg, torch.zeros(num))
    found = pick_mean(mean_losses(sums))
    # What 0.1 is in float32; adding up in float32 is off by 1e-4.
    assert found is not None
    assert found.cls == pytest.approx(float(torch.tensor(0.1)), rel=1e-12)


@pytest.mark.parametrize('bad', [math.nan, math.inf])
def test_losses_that_are_not_finite_are_counted_apart(bad: float) -> None:
    means = mean_losses(by_hand(loc=[bad, *LOC[1:]]))
    fg, every = pick_mean(means, kind='fg'), pick_mean(means)
    assert fg is not None and every is not None
    assert (fg.num_rois, fg.non_finite, fg.total) == (1, 1, 4.5)
    assert (every.num_rois, every.non_finite) == (5, 1)


def test_no_roi_has_no_mean() -> None:
    means = mean_losses(by_hand(rows=slice(0, 0)))
    assert [mean.num_rois for mean in means] == [0] * (1 + len(KINDS))
    assert all(math.isnan(mean.total) for mean in means)


def test_stages_are_kept_apart() -> None:
    sums = torch.cat([by_hand(), by_hand(cls=[2 * x for x in CLS])])
    means = mean_losses(sums)
    found = [pick_mean(means, stage, 'fg') for stage in (0, 1, 2)]
    assert [m.cls if m else None for m in found] == [2, 4, None]
