"""RoI extractor of SPPnet."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from torch import Tensor

from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.pyramid_pool import pyramid_pool
from mmdet_ohem.detector.roi_pool_extractor import RoIPoolExtractor
from mmdet_ohem.registry import MODELS

#: Bins per side of each level of SPPnet's pyramid, 50 bins in all.
SPP_LEVELS = (1, 2, 3, 6)


@MODELS.register_module()
class SPPExtractor(RoIPoolExtractor):
    """Pool RoIs by a spatial pyramid (SPPnet, He et al., ECCV 2014).

    Each level pools as :class:`RoIPoolExtractor` does.

    Args:
        levels: Bins per side of each level.
        **kwargs: As for :class:`RoIPoolExtractor`, without ``output_size``.

    Raises:
        ValueError: There is no level, or one is not a whole number above 0.
    """

    def __init__(
        self, levels: Sequence[int] = SPP_LEVELS, **kwargs: Any
    ) -> None:
        self.levels = check_levels(levels)
        super().__init__(output_size=max(self.levels), **kwargs)

    @on_integers
    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Pool RoIs.

        Args:
            feats: As for :class:`RoIPoolExtractor`.
            rois: Likewise, shape (R, 5).
            roi_scale_factor: Likewise.

        Returns:
            Shape (R, C, bins), the bins level by level.
        """
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        return pyramid_pool(
            self._as_read(feats[0]),
            self._inclusive(rois),
            self.levels,
            self.roi_layers[0].spatial_scale,
        )


def check_levels(levels: Sequence[int]) -> tuple[int, ...]:
    """The levels of a pyramid.

    Args:
        levels: Bins per side of each.

    Returns:
        The same.

    Raises:
        ValueError: There is none, or one is not a whole number above 0.
    """
    is_list = isinstance(levels, Sequence) and len(levels) > 0
    if not is_list or not all(
        isinstance(x, Integral) and not isinstance(x, bool) and x > 0
        for x in levels
    ):
        raise ValueError(
            f'levels is {levels!r}, expected bins per side of at least one '
            f'level, such as {SPP_LEVELS}'
        )
    return tuple(int(x) for x in levels)


def num_bins(levels: Sequence[int]) -> int:
    """Bins of a pyramid in all.

    Args:
        levels: Bins per side of each.
    """
    return sum(x * x for x in levels)
