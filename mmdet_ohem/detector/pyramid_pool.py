"""Spatial pyramid pooling of RoIs (SPPnet, He et al., ECCV 2014).

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``R`` RoIs with ``G``
bins each: ``n * n`` of a level n, 50 of the levels 1, 2, 3, 6.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmdet_ohem.detector.bin_pool import pool_bins
from mmdet_ohem.detector.roi_pool import bins_of, rounded
from mmdet_ohem.detector.sparse_table import Bins


def pyramid_pool(
    feats: Tensor, rois: Tensor, levels: Sequence[int], spatial_scale: float
) -> Tensor:
    """Max-pool RoIs to several grids, each as :func:`roi_pool` does.

    Args:
        feats: Feature map, shape (N, C, H, W).
        rois: (image index, x1, y1, x2, y2) in pixels, corners inclusive,
            shape (R, 5).
        levels: Bins per side of each grid.
        spatial_scale: Cells per pixel.

    Returns:
        Pooled features, level by level, shape (R, C, G), dtype of ``feats``.
    """
    cells = rounded(rois, spatial_scale)
    size = feats.shape[2:]
    grids = [bins_of(cells, (n, n), size) for n in levels]
    # One look-up table serves all levels: RoI by RoI, the bins of each.
    joined = Bins(
        *(
            torch.cat(
                [
                    x.view(len(rois), n * n)
                    for x, n in zip(parts, levels, strict=True)
                ],
                1,
            ).reshape(-1)
            for parts in zip(*grids, strict=True)
        )
    )
    return pool_bins(feats, joined, sum(n * n for n in levels))
