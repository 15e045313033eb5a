"""Regions of a box that MR-CNN looks at (arXiv:1505.01749, section 3).

Shapes: ``R`` RoIs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

#: The ten of the paper, in the order of its figure 3.
MR_CNN_REGIONS: tuple[tuple[float, float] | str, ...] = (
    (0, 1), 'left', 'right', 'upper', 'lower',
    (0, 0.5), (0.3, 0.8), (0.5, 1), (0.8, 1.5), (1, 1.8),
)  # fmt: skip
#: Bins a side of the semantic branch, as in the released code.
SEMANTIC_BINS = 9
# Sides of a half box, as shares of the whole: left, upper, right, lower.
_HALVES = {
    'left': (0, 0, 0.5, 1),
    'right': (0.5, 0, 1, 1),
    'upper': (0, 0, 1, 0.5),
    'lower': (0, 0.5, 1, 1),
}


@dataclass(frozen=True)
class Region:
    """A part of a box, or a ring around its centre.

    Attributes:
        inner: Scale of the hole about the centre, 0 for none.
        outer: Scale of the region about the centre.
        half: 'left', 'right', 'upper' or 'lower' half; None for the whole.
    """

    inner: float = 0.0
    outer: float = 1.0
    half: str | None = None

    @property
    def has_hole(self) -> bool:
        """Whether there is an inner box."""
        return self.inner > 0

    def rois(self, rois: Tensor) -> Tensor:
        """The region of each RoI, without its hole.

        Args:
            rois: (image index, x1, y1, x2, y2), edges, shape (R, 5).

        Returns:
            Likewise, not clipped to the image.
        """
        if self.half is not None:
            return _part(rois, _HALVES[self.half])
        return scaled(rois, self.outer)

    def holes(self, rois: Tensor) -> Tensor:
        """The inner box of each RoI.

        Args:
            rois: As for :meth:`rois`.

        Returns:
            Likewise.
        """
        return scaled(rois, self.inner)


def parse_region(region: Any) -> Region:
    """Read a region of a config.

    Args:
        region: (inner, outer), or the name of a half.

    Returns:
        The region.

    Raises:
        ValueError: It is none.
    """
    if isinstance(region, str) and region in _HALVES:
        return Region(half=region)
    is_pair = isinstance(region, Sequence) and len(region) == 2
    if is_pair and all(_is_number(x) for x in region):
        inner, outer = map(float, region)
        if 0 <= inner < outer:
            return Region(inner, outer)
    raise ValueError(
        f'{region!r} is no region. Remedy: scales (inner, outer) about the '
        'centre of a box with 0 <= inner < outer, such as (0, 1), or one of '
        f'{sorted(_HALVES)}'
    )


def scaled(rois: Tensor, scale: float) -> Tensor:
    """RoIs scaled about their centres.

    Args:
        rois: (image index, x1, y1, x2, y2), edges, shape (R, 5).
        scale: Of both sides; 1 leaves RoIs as they are.

    Returns:
        Likewise.
    """
    if scale == 1:
        return rois
    margin = (1 - scale) / 2
    return _part(rois, (margin, margin, 1 - margin, 1 - margin))


def _part(rois: Tensor, shares: tuple[float, float, float, float]) -> Tensor:
    """What lies between shares of the sides: left, upper, right, lower."""
    image, x1, y1, x2, y2 = rois.unbind(1)
    left, upper, right, lower = shares
    width, height = x2 - x1, y2 - y1
    # From the nearer corner: whole sides keep theirs to the last bit.
    return torch.stack(
        [
            image,
            x1 + left * width,
            y1 + upper * height,
            x2 - (1 - right) * width,
            y2 - (1 - lower) * height,
        ],
        1,
    )


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and math.isfinite(value)
