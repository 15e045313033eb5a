"""Maxima over any rectangles of a feature map, without a loop over them.

The maximum over a rectangle of cells is the maximum of four overlapping
rectangles whose sides are powers of two. Stride-1 max pooling gives the
maxima of all such rectangles once per feature map (a sparse table), so that
each bin takes four look-ups, however large it is.

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``B`` bins.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Bins(NamedTuple):
    """Cells of each bin, (B,), int64: [top, bottom) x [left, right)."""

    image: Tensor
    top: Tensor
    bottom: Tensor
    left: Tensor
    right: Tensor


class SparseTable:
    """Maxima of all rectangles with sides 2**i x 2**j, channels last.

    Args:
        feats: Shape (N, C, H, W).
        bins: The bins that will be looked up: only the sizes that occur among
            them are computed.
        track: Keep the cell of each maximum as well.
    """

    def __init__(self, feats: Tensor, bins: Bins, track: bool) -> None:
        _, channels, self.height, self.width = feats.shape
        feats = feats.contiguous(memory_format=torch.channels_last)
        rows, columns = (
            _log2(bins.bottom - bins.top),
            _log2(bins.right - bins.left),
        )
        self.num_levels = max(self.width.bit_length(), 1)
        code = rows * self.num_levels + columns
        values, cells = [], []
        self.offsets = torch.zeros(
            self.height.bit_length() * self.num_levels,
            dtype=torch.int64,
            device=feats.device,
        )
        offset = 0
        for level in code.unique().tolist():
            size = (
                2 ** (level // self.num_levels),
                2 ** (level % self.num_levels),
            )
            cell = None
            if track:
                value, cell = F.max_pool2d(
                    feats, size, stride=1, return_indices=True
                )
            else:
                value = F.max_pool2d(feats, size, stride=1)
            value = value.permute(0, 2, 3, 1).reshape(-1, channels)
            values.append(value)
            if cell is not None:
                cells.append(cell.permute(0, 2, 3, 1).reshape(-1, channels))
            self.offsets[level] = offset
            offset += len(value)
        self.values = torch.cat(values) if values else feats.new_empty(0, 1)
        self.cells = torch.cat(cells) if cells else None

    def look_up(self, bins: Bins) -> tuple[Tensor, Tensor | None]:
        """Maximum of each bin and its cell, both (B, C); cell -1 if empty."""
        empty = (bins.bottom <= bins.top) | (bins.right <= bins.left)
        first, *others = (
            # Places of an empty bin are clamped into the table; what is
            # found there is cleared below.
            place.clamp(0, len(self.values) - 1)
            for place in self._four_places(bins)
        )
        best = self.values.index_select(0, first)
        best_cell = None
        if self.cells is not None:
            best_cell = self.cells.index_select(0, first)
        for place in others:
            value = self.values.index_select(0, place)
            if self.cells is not None and best_cell is not None:
                cell = self.cells.index_select(0, place)
                better = (value > best) | (
                    (value == best) & (cell < best_cell)
                )
                best_cell = torch.where(better, cell, best_cell)
            torch.maximum(best, value, out=best)
        # Row by row: there are few empty bins, if any.
        none = empty.nonzero().squeeze(1)
        best.index_fill_(0, none, 0)
        if best_cell is not None:
            best_cell.index_fill_(0, none, -1)
        return best, best_cell

    def _four_places(self, bins: Bins) -> list[Tensor]:
        """Rows of the table that cover each bin, four tensors (B,)."""
        rows = _log2(bins.bottom - bins.top)
        columns = _log2(bins.right - bins.left)
        size_y, size_x = 1 << rows, 1 << columns
        table_height = self.height - size_y + 1
        table_width = self.width - size_x + 1
        origin = (
            self.offsets[rows * self.num_levels + columns]
            + bins.image * table_height * table_width
        )
        return [
            origin + y * table_width + x
            for y in (bins.top, bins.bottom - size_y)
            for x in (bins.left, bins.right - size_x)
        ]


def _log2(length: Tensor) -> Tensor:
    """Largest i with 2**i <= length, 0 for an empty length; int64."""
    return torch.frexp(length.clamp(min=1).float()).exponent.long() - 1
