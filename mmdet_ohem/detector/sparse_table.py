"""Maxima over any rectangles of a feature map, without a loop over them.

The maximum over a rectangle of cells is the maximum of four overlapping
rectangles whose sides are powers of two. The maxima of all such rectangles
are computed once per feature map (a sparse table), each from two of half the
size, so that each bin takes four look-ups, however large it is.

Shapes: ``N`` images, ``C`` channels, ``H x W`` cells, ``B`` bins.
"""

import math
from itertools import accumulate
from typing import NamedTuple

import torch
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
        bins: The bins that will be looked up; only sizes up to theirs are
            computed.
        track: Keep the cell of each maximum as well.
    """

    def __init__(self, feats: Tensor, bins: Bins, track: bool) -> None:
        num_images, channels, self.height, self.width = feats.shape
        self.bins = bins
        self.rows = _log2(bins.bottom - bins.top)
        self.columns = _log2(bins.right - bins.left)
        num_rows, self.num_columns = (
            int(x.max()) + 1 if len(x) else 0
            for x in (self.rows, self.columns)
        )
        shapes = [
            (num_images, self.height - 2**row + 1, self.width - 2**column + 1)
            for row in range(num_rows)
            for column in range(self.num_columns)
        ]
        starts = list(accumulate(map(math.prod, shapes), initial=0))
        self.offsets = torch.tensor(starts, device=feats.device)
        #: The last row, zero: what an empty bin finds.
        self.nowhere = starts[-1]
        self.values = feats.new_empty(starts[-1] + 1, channels)
        self.values[-1] = 0
        self.cells = None
        if track:
            self.cells = torch.empty_like(self.values, dtype=torch.int32)
            self.cells[-1] = -1
        levels = [
            self._level(start, shape)
            for start, shape in zip(starts, shapes, strict=False)
        ]
        if levels:
            self._fill(levels, feats)

    def _level(self, start: int, shape: tuple[int, ...]) -> '_Level':
        """The part of the table for one size of rectangles."""
        rows = slice(start, start + math.prod(shape))
        cell = None
        if self.cells is not None:
            cell = self.cells[rows].view(*shape, -1)
        return _Level(self.values[rows].view(*shape, -1), cell)

    def _fill(self, levels: list['_Level'], feats: Tensor) -> None:
        """Compute all levels, each from one with half its height or width.

        Rectangles grow in width while they are one row high, then in height,
        so that all cells of the first half come before those of the second.
        """
        first = levels[0]
        first.value.copy_(feats.permute(0, 2, 3, 1))
        if first.cell is not None:
            cells = torch.arange(self.height * self.width, device=feats.device)
            first.cell.copy_(cells.view(1, self.height, self.width, 1))
        for i, level in enumerate(levels[1:], 1):
            row, column = divmod(i, self.num_columns)
            if row == 0:
                level.join(levels[i - 1], dim=2, side=2 ** (column - 1))
            else:
                half = levels[i - self.num_columns]
                level.join(half, dim=1, side=2 ** (row - 1))

    def places(self) -> Tensor:
        """Rows of the table that together cover each bin, shape (4, B)."""
        bins = self.bins
        size_y, size_x = 1 << self.rows, 1 << self.columns
        table_height = self.height - size_y + 1
        table_width = self.width - size_x + 1
        origin = (
            self.offsets[self.rows * self.num_columns + self.columns]
            + bins.image * table_height * table_width
        )
        places = torch.stack(
            [
                origin + y * table_width + x
                for y in (bins.top, bins.bottom - size_y)
                for x in (bins.left, bins.right - size_x)
            ]
        )
        empty = (bins.bottom <= bins.top) | (bins.right <= bins.left)
        return places.masked_fill_(empty, self.nowhere)

    def look_up(self, places: Tensor) -> tuple[Tensor, Tensor | None]:
        """Maximum of each bin and its cell.

        Args:
            places: Columns of :meth:`places`, shape (4, B), or of more rows.

        Returns:
            Both of shape (B, C); 0 and -1 for an empty bin. Of equal cells
            the first one.
        """
        first, *others = places
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
        return best, best_cell


class _Level(NamedTuple):
    """Maxima of the rectangles of one size, (N, H', W', C), their cells."""

    value: Tensor
    cell: Tensor | None

    def join(self, half: '_Level', dim: int, side: int) -> None:
        """Maxima from those of both halves, ``side`` cells apart in ``dim``.

        Of equal cells the first half's.
        """
        length = self.value.shape[dim]
        value, other = (half.value.narrow(dim, x, length) for x in (0, side))
        torch.maximum(value, other, out=self.value)
        if self.cell is None or half.cell is None:
            return
        cell, other_cell = (
            half.cell.narrow(dim, x, length) for x in (0, side)
        )
        torch.where(other > value, other_cell, cell, out=self.cell)


def _log2(length: Tensor) -> Tensor:
    """Largest i with 2**i <= length, 0 for an empty length; int64."""
    return torch.frexp(length.clamp(min=1).float()).exponent.long() - 1
