"""RoI pooling of a box with a hole (the rings of MR-CNN).

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``R`` RoIs, ``PH x PW``
bins per RoI, ``B = R * PH * PW`` bins in all.
"""

import math

import torch
from torch import Tensor

from mmdet_ohem.detector.bin_pool import pool_bins
from mmdet_ohem.detector.roi_pool import bins_of, rounded
from mmdet_ohem.detector.sparse_table import Bins


def ring_pool(
    feats: Tensor,
    rois: Tensor,
    holes: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> Tensor:
    """Max-pool RoIs as :func:`roi_pool`, the cells in their holes being zero.

    A hole is rounded to cells as a RoI is. Its outermost cells lie half
    outside of it and count as they are; those between them are zero, as in
    the released code of MR-CNN. A hole of less than three cells a side leaves
    a RoI whole.

    Args:
        feats: Feature map, shape (N, C, H, W).
        rois: (image index, x1, y1, x2, y2) in pixels, corners inclusive,
            shape (R, 5).
        holes: Of each RoI, likewise.
        output_size: (PH, PW).
        spatial_scale: Cells per pixel.

    Returns:
        Pooled features, shape (R, C, PH, PW), dtype of ``feats``. Zeros pass
        no gradient.
    """
    bins = bins_of(rounded(rois, spatial_scale), output_size, feats.shape[2:])
    area = math.prod(output_size)
    hole = rounded(holes, spatial_scale).long().repeat_interleave(area, 0)
    _, left, top, right, bottom = hole.unbind(1)
    inside = Bins(bins.image, top + 1, bottom, left + 1, right)
    parts, masked = bins_around(bins, inside)
    pooled = pool_bins(feats, parts, area, masked)
    return pooled.view(*pooled.shape[:2], *output_size)


def bins_around(bins: Bins, hole: Bins) -> tuple[Bins, Tensor]:
    """Cut bins into the four rectangles around a hole.

    Above and below it over the whole width, left and right of it over its
    height. A bin without a cell in its hole is the first rectangle, and the
    others are empty.

    Args:
        bins: B bins.
        hole: Of each bin; only the part inside the bin counts.

    Returns:
        4 * B bins, the first rectangle of all bins first; and whether a bin
        has cells in its hole, shape (B,), bool.
    """
    top = torch.maximum(bins.top, hole.top)
    bottom = torch.minimum(bins.bottom, hole.bottom)
    left = torch.maximum(bins.left, hole.left)
    right = torch.minimum(bins.right, hole.right)
    masked = (bottom > top) & (right > left)
    top, bottom = (x.where(masked, bins.bottom) for x in (top, bottom))
    left, right = (
        left.where(masked, bins.left),
        right.where(masked, bins.right),
    )
    return Bins(
        bins.image.repeat(4),
        torch.cat([bins.top, bottom, top, top]),
        torch.cat([top, bins.bottom, bottom, bottom]),
        torch.cat([bins.left, bins.left, bins.left, right]),
        torch.cat([bins.right, bins.right, left, bins.right]),
    ), masked
