"""Max pooling of the bins of RoIs, a bin being one or more rectangles.

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``R`` RoIs with ``G``
bins each, ``B = R * G`` bins in all, ``P`` rectangles of a bin.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmdet_ohem.detector.sparse_table import Bins, SparseTable

# Bins looked up at once, which bounds the memory beside the output. On a CPU,
# what they read and write fits into the cache of a core: of float32, so many.
_BINS_AT_ONCE_ON_CPU = 512
_BINS_AT_ONCE = 8192


def pool_bins(
    feats: Tensor,
    bins: Bins,
    bins_per_roi: int,
    masked: Tensor | None = None,
) -> Tensor:
    """Max-pool the bins of RoIs.

    Args:
        feats: Feature map, shape (N, C, H, W).
        bins: All bins, RoI by RoI. With ``masked``, first a rectangle of each
            bin, then a second one of each, and so on, which together are the
            bin; any of them may be empty.
        bins_per_roi: G.
        masked: Whether some cells of a bin count as zero, shape (B,), bool;
            None: of none, and a bin is one rectangle.

    Returns:
        Pooled features, shape (R, C, G), dtype of ``feats``.
    """
    if not torch.is_grad_enabled():
        # Autograd functions are not told, and would keep the argmax.
        feats = feats.detach()
    return _BinPool.apply(feats, bins, bins_per_roi, masked)


class _BinPool(torch.autograd.Function):
    """Maxima of the bins of RoIs."""

    @staticmethod
    def forward(
        ctx: Any,
        feats: Tensor,
        bins: Bins,
        bins_per_roi: int,
        masked: Tensor | None,
    ) -> Tensor:
        """See :func:`pool_bins`."""
        channels = feats.shape[1]
        num_bins = len(bins.image) if masked is None else len(masked)
        num_rois = num_bins // bins_per_roi
        # Transposed part by part: as a whole it would be moved twice.
        pooled = feats.new_empty(num_rois, channels, bins_per_roi)
        bins_last = pooled.permute(0, 2, 1)
        track = ctx.needs_input_grad[0]
        winners = torch.empty(
            (num_bins, channels) if track else 0,
            dtype=torch.int32,
            device=feats.device,
        )
        table = SparseTable(feats.detach(), bins, track)
        places = table.places()
        if masked is not None:
            places = _places_of_parts(places, masked, table.nowhere)
        on_cpu = feats.device.type == 'cpu'
        at_once = _BINS_AT_ONCE
        if on_cpu:
            at_once = _BINS_AT_ONCE_ON_CPU * 4 // feats.element_size()
        step = max(at_once // bins_per_roi, 1)
        for start in range(0, num_rois, step):
            part = slice(start * bins_per_roi, (start + step) * bins_per_roi)
            best, winner = table.look_up(places[:, part])
            bins_last[start : start + step] = best.view(
                -1, bins_per_roi, channels
            )
            if winner is not None:
                winners[part] = winner
        ctx.save_for_backward(winners, bins.image[:num_bins])
        ctx.feats_shape = feats.shape
        return pooled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient of a bin goes to the cell of its maximum."""
        winners, image = ctx.saved_tensors
        num_images, channels, height, width = ctx.feats_shape
        grad = grad.permute(0, 2, 1).reshape(-1, channels)
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


def _places_of_parts(places: Tensor, masked: Tensor, nowhere: int) -> Tensor:
    """Rows of the table that cover bins of several rectangles.

    Args:
        places: Of all rectangles, shape (4, P * B).
        masked: As in :func:`pool_bins`.
        nowhere: The row that is zero.

    Returns:
        Shape (4 * P + 1, B).
    """
    num_bins = len(masked)
    if not num_bins:
        return places
    places = places.view(len(places), -1, num_bins).flatten(0, 1)
    # A rectangle that is empty adds nothing: the table's zero would, so the
    # bin's last row stands in for it, which is a rectangle that is not.
    some = places.where(places != nowhere, -1).amax(0)
    some = some.where(some >= 0, nowhere)
    places = places.where(places != nowhere, some)
    return torch.cat([places, some.where(~masked, nowhere)[None]])
