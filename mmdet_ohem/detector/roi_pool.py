"""RoI max pooling with Caffe's arithmetic, on CPU and GPU.

mmcv's RoIPool has no CPU kernel and does not round RoIs to cells; RoIs are
rounded here as in ``roi_pooling_layer`` of Caffe's Fast R-CNN branch.

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``R`` RoIs, ``PH x PW``
bins per RoI, ``B = R * PH * PW`` bins in all.
"""

import math
from typing import Any

import torch
from mmengine.utils import to_2tuple
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mmdet_ohem.detector.sparse_table import Bins, SparseTable

# Bins looked up at once, which bounds the memory beside the output. On a CPU,
# what they read and write fits into the cache of a core.
_BINS_AT_ONCE_ON_CPU = 512
_BINS_AT_ONCE = 8192


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
        return _rounded(rois, self.spatial_scale)

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
    if not torch.is_grad_enabled():
        # Autograd functions are not told, and would keep the argmax.
        feats = feats.detach()
    return _RoIPool.apply(feats, rois, output_size, spatial_scale)


class _RoIPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        feats: Tensor,
        rois: Tensor,
        output_size: tuple[int, int],
        spatial_scale: float,
    ) -> Tensor:
        bins = _bins_of(rois, output_size, spatial_scale, feats.shape[2:])
        num_bins, channels = len(bins.image), feats.shape[1]
        # Transposed part by part: as a whole it would be moved twice.
        pooled = feats.new_empty(len(rois), channels, *output_size)
        bins_last = pooled.permute(0, 2, 3, 1)
        track = ctx.needs_input_grad[0]
        winners = torch.empty(
            (num_bins, channels) if track else 0,
            dtype=torch.int32,
            device=feats.device,
        )
        table = SparseTable(feats.detach(), bins, track)
        places = table.places()
        on_cpu = feats.device.type == 'cpu'
        at_once = _BINS_AT_ONCE_ON_CPU if on_cpu else _BINS_AT_ONCE
        area = math.prod(output_size)
        step = max(at_once // area, 1)
        for start in range(0, len(rois), step):
            part = slice(start * area, (start + step) * area)
            best, winner = table.look_up(places[:, part])
            bins_last[start : start + step] = best.view(
                -1, *output_size, channels
            )
            if winner is not None:
                winners[part] = winner
        ctx.save_for_backward(winners, bins.image)
        ctx.feats_shape = feats.shape
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        winners, image = ctx.saved_tensors
        num_images, channels, height, width = ctx.feats_shape
        grad = grad.permute(0, 2, 3, 1).reshape(-1, channels)
        # An empty bin has no winner (-1): its gradient goes to a spare cell.
        cells = height * width
        target = torch.where(
            winners < 0,
            num_images * cells,
            winners.long() + image[:, None] * cells,
        )
        feats_grad = grad.new_zeros(num_images * cells + 1, channels)
        feats_grad.scatter_add_(0, target, grad)
        feats_grad = feats_grad[:-1].view(num_images, height, width, channels)
        return feats_grad.permute(0, 3, 1, 2), None, None, None


def _bins_of(
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    feat_size: torch.Size,
) -> Bins:
    """Cells of all bins, in the order RoI, row of bins, column of bins.

    In float32 as in Caffe: the rounding of ``(p + 1) * bin_size`` decides
    whether its ceiling is one more.
    """
    _, x1, y1, x2, y2 = _rounded(rois, spatial_scale).unbind(1)
    top, bottom = _edges(y1, y2, output_size[0], feat_size[0])
    left, right = _edges(x1, x2, output_size[1], feat_size[1])
    grid = (len(rois), *output_size)
    return Bins(
        rois[:, 0].long()[:, None, None].expand(grid).reshape(-1),
        top[:, :, None].expand(grid).reshape(-1),
        bottom[:, :, None].expand(grid).reshape(-1),
        left[:, None, :].expand(grid).reshape(-1),
        right[:, None, :].expand(grid).reshape(-1),
    )


def _rounded(rois: Tensor, spatial_scale: float) -> Tensor:
    """(image index, x1, y1, x2, y2) in whole cells, float32, shape (R, 5)."""
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
