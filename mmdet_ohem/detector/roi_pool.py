"""RoI max pooling with Caffe's arithmetic, on CPU and GPU.

mmcv's RoIPool has no CPU kernel and does not round RoIs to cells; RoIs are
rounded here as in ``roi_pooling_layer`` of Caffe's Fast R-CNN branch.

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``R`` RoIs, ``PH x PW``
bins per RoI.
"""

import math

import torch
from mmengine.utils import to_2tuple
from torch import Tensor, nn

from mmdet_ohem.detector.bin_pool import pool_bins
from mmdet_ohem.detector.sparse_table import Bins


class RoIPool(nn.Module):
    """Max-pool each RoI to a fixed grid of bins, as Caffe does.

    Args:
        output_size: Bins per RoI, (PH, PW) or one number for both.
        spatial_scale: Cells per pixel, 1/16 for VGG16.
    """

    def __init__(
        self, output_size: int | tuple[int, int], spatial_scale: float = 1.0
    ) -> None:
        super().__init__()
        self.output_size = to_2tuple(output_size)
        self.spatial_scale = float(spatial_scale)

    def forward(self, feats: Tensor, rois: Tensor) -> Tensor:
        """See :func:`roi_pool`."""
        return roi_pool(feats, rois, self.output_size, self.spatial_scale)

    def rounded(self, rois: Tensor) -> Tensor:
        """RoIs in cells: equal rows pool the same, shape (R, 5)."""
        return rounded(rois, self.spatial_scale)

    def extra_repr(self) -> str:
        """Parameters, for ``print(model)``."""
        return (
            f'output_size={self.output_size}, '
            f'spatial_scale={self.spatial_scale}'
        )


def roi_pool(
    feats: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
) -> Tensor:
    """Max-pool RoIs with Caffe's rounding.

    Corners are those of Caffe, inclusive: x2 and y2 are the last pixels of a
    RoI, not its edges, as :class:`RoIPoolExtractor` takes them. They are
    multiplied by ``spatial_scale`` and rounded, halves away from zero; both
    corner cells belong to the RoI, which is at least one cell
    large. Bins begin at the floor and end at the ceiling of their share, so
    that they may overlap. An empty bin, outside the feature map, is 0 and
    passes no gradient. Of equal cells the first one gets the gradient.

    Args:
        feats: Feature map, shape (N, C, H, W).
        rois: (image index, x1, y1, x2, y2) in pixels, corners inclusive,
            shape (R, 5).
        output_size: (PH, PW).
        spatial_scale: Cells per pixel.

    Returns:
        Pooled features, shape (R, C, PH, PW), dtype of ``feats``.
    """
    cells = rounded(rois, spatial_scale)
    bins = bins_of(cells, output_size, feats.shape[2:])
    pooled = pool_bins(feats, bins, math.prod(output_size))
    return pooled.view(*pooled.shape[:2], *output_size)


def bins_of(
    cells: Tensor, output_size: tuple[int, int], feat_size: torch.Size
) -> Bins:
    """Cells of all bins, in the order RoI, row of bins, column of bins.

    In float32 as in Caffe: the rounding of ``(p + 1) * bin_size`` decides
    whether its ceiling is one more.

    Args:
        cells: RoIs as :func:`rounded` gives them, shape (R, 5).
        output_size: (PH, PW).
        feat_size: (H, W).
    """
    image, x1, y1, x2, y2 = cells.unbind(1)
    top, bottom = _edges(y1, y2, output_size[0], feat_size[0])
    left, right = _edges(x1, x2, output_size[1], feat_size[1])
    grid = (len(cells), *output_size)
    return Bins(
        image.long()[:, None, None].expand(grid).reshape(-1),
        top[:, :, None].expand(grid).reshape(-1),
        bottom[:, :, None].expand(grid).reshape(-1),
        left[:, None, :].expand(grid).reshape(-1),
        right[:, None, :].expand(grid).reshape(-1),
    )


def rounded(rois: Tensor, spatial_scale: float) -> Tensor:
    """RoIs in whole cells, the last ones included.

    Args:
        rois: As in :func:`roi_pool`, shape (R, 5).
        spatial_scale: Cells per pixel.

    Returns:
        (image index, x1, y1, x2, y2), float32, shape (R, 5).
    """
    rois = rois.float()
    corners = _round_half_away(rois[:, 1:] * spatial_scale)
    return torch.cat([rois[:, :1], corners], 1)


def _edges(
    start: Tensor, end: Tensor, num_bins: int, num_cells: int
) -> tuple[Tensor, Tensor]:
    """First cell and one past the last cell of each bin, both (R, bins)."""
    length = (end - start + 1).clamp(min=1)
    # By a tensor: CUDA multiplies by the reciprocal of a Python number, which
    # is one bit off for some lengths.
    bin_size = (length / torch.full_like(length, num_bins))[:, None]
    steps = torch.arange(num_bins, device=start.device, dtype=start.dtype)
    first = (steps * bin_size).floor() + start[:, None]
    last = ((steps + 1) * bin_size).ceil() + start[:, None]
    return (
        first.clamp(0, num_cells).long(),
        last.clamp(0, num_cells).long(),
    )


def _round_half_away(x: Tensor) -> Tensor:
    """Round as C does; torch rounds halves to even."""
    whole = x.trunc()
    return whole + x.sign() * ((x - whole).abs() >= 0.5)
