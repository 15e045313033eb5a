"""A pyramid is its levels side by side."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mmdet_ohem.detector import SPPExtractor, pyramid_pool, roi_pool
from tests.detector.test_roi_pool import (
    ROI_KINDS,
    SCALE,
    STRIDE,
    anywhere,
    make_feats,
    make_rois,
    whole_grad,
)

LEVELS = (1, 2, 3, 6)


def level_by_level(feats: Tensor, rois: Tensor) -> Tensor:
    grids = [roi_pool(feats, rois, (n, n), SCALE) for n in LEVELS]
    return torch.cat([grid.flatten(2) for grid in grids], 2)


@pytest.mark.parametrize('kind', ROI_KINDS)
def test_has_the_bins_of_each_level(
    kind: Callable[[int], Tensor], device: torch.device
) -> None:
    feats, rois = make_feats().to(device), make_rois(kind).to(device)
    pooled = pyramid_pool(feats, rois, LEVELS, SCALE)
    assert pooled.shape == (len(rois), 3, 50)
    assert torch.equal(pooled, level_by_level(feats, rois))


def test_gradients_are_those_of_the_levels() -> None:
    feats, rois = make_feats('relu').requires_grad_(), make_rois(anywhere)
    grad = whole_grad(torch.Size([len(rois), 3, 50]))
    (expected,) = torch.autograd.grad(level_by_level(feats, rois), feats, grad)
    pooled = pyramid_pool(feats, rois, LEVELS, SCALE)
    (found,) = torch.autograd.grad(pooled, feats, grad)
    assert torch.equal(found, expected)


def test_hand_worked() -> None:
    # Level 1 is the maximum of all, level 2 that of each quarter.
    feats = torch.arange(16.0).view(1, 1, 4, 4)
    rois = torch.tensor([[0.0, 0, 0, 48, 48]])
    pooled = pyramid_pool(feats, rois, (1, 2), SCALE)
    assert pooled.tolist() == [[[15, 5, 7, 13, 15]]]


def test_no_rois() -> None:
    pooled = pyramid_pool(make_feats(), torch.zeros(0, 5), LEVELS, SCALE)
    assert pooled.shape == (0, 3, 50)


def test_the_extractor_takes_edges_and_their_pixel() -> None:
    feats, rois = make_feats(), make_rois(anywhere)
    extractor = SPPExtractor(out_channels=3, featmap_stride=STRIDE, pixel=1.5)
    edges = rois + torch.tensor([0, 0, 0, 1.5, 1.5])
    assert torch.equal(extractor([feats], edges), level_by_level(feats, rois))


@pytest.mark.parametrize('levels', [(), (0, 1), (1.5,), (True,), 6, 'ab'])
def test_levels_are_looked_at(levels: object) -> None:
    with pytest.raises(ValueError, match='bins per side'):
        SPPExtractor(levels=levels)  # type: ignore[arg-type]
