"""Rings: pooling with the cells inside of a hole set to zero."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mmdet_ohem.detector import ring_pool, roi_pool
from tests.detector.test_roi_pool import (
    ROI_KINDS,
    SCALE,
    anywhere,
    make_feats,
    make_rois,
    reference,
    reference_grad,
    round_half_away,
    whole_grad,
)

SIZE = (7, 7)


def make_holes(rois: Tensor) -> Tensor:
    """Inside of the RoIs, beside them, and around them."""
    holes = rois + torch.randn(len(rois), 5) * 40
    holes[:, 0] = rois[:, 0]
    corners = holes[:, 1:].view(-1, 2, 2).sort(1).values
    return torch.cat([holes[:, :1], corners.flatten(1)], 1)


def loop(feats: Tensor, rois: Tensor, holes: Tensor) -> tuple[Tensor, Tensor]:
    """RoI by RoI on a map of its own, whose cells in the hole are zero."""
    found = []
    for roi, hole in zip(rois, holes, strict=True):
        x1, y1, x2, y2 = (
            round_half_away(x * SCALE) for x in hole[1:].tolist()
        )
        cells = feats.detach().clone()
        rows = slice(max(y1 + 1, 0), max(y2, 0))
        columns = slice(max(x1 + 1, 0), max(x2, 0))
        cells[:, :, rows, columns] = 0
        pooled, winners = reference(cells, roi[None], SIZE)
        # A zero that was written is nobody's maximum.
        written = torch.zeros(feats.shape[2:], dtype=torch.bool)
        written[rows, columns] = True
        of_hole = written.view(-1)[winners.clamp(min=0)] & (winners >= 0)
        found.append((pooled, winners.where(~of_hole, -1)))
    pooled, winners = (torch.cat(x) for x in zip(*found, strict=True))
    return pooled, winners


@pytest.mark.parametrize('feats_kind', ['normal', 'relu'])
@pytest.mark.parametrize('kind', ROI_KINDS)
def test_pools_as_the_loop_does(
    kind: Callable[[int], Tensor], feats_kind: str, device: torch.device
) -> None:
    feats, rois = make_feats(feats_kind), make_rois(kind)
    holes = make_holes(rois)
    pooled = ring_pool(
        feats.to(device), rois.to(device), holes.to(device), SIZE, SCALE
    )
    expected, _ = loop(feats, rois, holes)
    assert torch.equal(pooled.cpu(), expected)


def test_gradients_go_to_cells_outside_of_the_hole() -> None:
    feats, rois = make_feats().requires_grad_(), make_rois(anywhere)
    holes = make_holes(rois)
    pooled = ring_pool(feats, rois, holes, SIZE, SCALE)
    grad = whole_grad(pooled.shape)
    pooled.backward(grad)
    _, winners = loop(feats, rois, holes)
    assert feats.grad is not None
    assert torch.equal(feats.grad, reference_grad(winners, rois, grad, feats))


def test_hand_worked() -> None:
    # Of the hole's 3 x 3 cells the middle one is zero, the others count.
    feats = torch.arange(25.0).view(1, 1, 5, 5)
    feats[0, 0, 2, 2] = 90
    roi = torch.tensor([[0.0, 0, 0, 64, 64]])
    hole = torch.tensor([[0.0, 16, 16, 48, 48]])
    # Bins of 2.5 cells share the middle row and column: of the first, the
    # rows are 0 1 (2), 5 6 7, 10 11 and the hole.
    found = ring_pool(feats, roi, hole, (2, 2), SCALE)
    assert found.tolist() == [[[[11, 14], [22, 24]]]]
    # All bins have the cell that is zero, which is more than all others.
    found = ring_pool(feats - 100, roi, hole, (2, 2), SCALE)
    assert found.tolist() == [[[[0, 0], [0, 0]]]]


@pytest.mark.parametrize('side', [0, 16])
def test_a_hole_of_two_cells_a_side_leaves_the_roi_whole(side: int) -> None:
    feats, rois = make_feats(), make_rois(anywhere)
    holes = rois.clone()
    holes[:, 3:] = holes[:, 1:3] + side
    assert torch.equal(
        ring_pool(feats, rois, holes, SIZE, SCALE),
        roi_pool(feats, rois, SIZE, SCALE),
    )


def test_a_hole_over_the_whole_roi_leaves_zeros() -> None:
    feats, rois = make_feats().requires_grad_(), make_rois(anywhere)
    beyond = torch.tensor([0.0, -99, -99, 99, 99])
    pooled = ring_pool(feats, rois, rois + beyond, SIZE, SCALE)
    assert not pooled.any()
    pooled.sum().backward()
    assert feats.grad is not None
    assert not feats.grad.any()


def test_no_rois() -> None:
    none = torch.zeros(0, 5)
    pooled = ring_pool(make_feats(), none, none, SIZE, SCALE)
    assert pooled.shape == (0, 3, *SIZE)
