"""RoI extractor that pools several regions of each RoI (MR-CNN)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from mmdet.utils import OptMultiConfig
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.pooled_regions import PooledRegions
from mmdet_ohem.detector.regions import (
    MR_CNN_REGIONS,
    SEMANTIC_BINS,
    Region,
    parse_region,
)
from mmdet_ohem.detector.ring_pool import ring_pool
from mmdet_ohem.detector.roi_pool import roi_pool
from mmdet_ohem.detector.roi_pool_extractor import RoIPoolExtractor
from mmdet_ohem.registry import MODELS

_WHOLE = ((0, 1),)


@MODELS.register_module()
class RegionExtractor(RoIPoolExtractor):
    """Pool regions of RoIs, each as :class:`RoIPoolExtractor` pools a RoI.

    A region with an inner box pools its outer one with the cells inside the
    inner one set to zero. Regions are not clipped: bins outside of the image
    are empty, 0.

    Args:
        regions: Of each RoI: (inner, outer) scales about its centre, or
            'left', 'right', 'upper', 'lower' for its halves. The default is
            MR-CNN's ten.
        box_region: What boxes are relocated by; None: by the regions.
        semantic_region: Pooled to 9 x 9 bins from a second level of features,
            that of :class:`ForegroundNeck`, without a gradient to it; None:
            there is no second level.
        featmap_stride: Pixels per cell, 16 for VGG16.
        init_cfg: As for any mmengine module.
        **kwargs: As for :class:`RoIPoolExtractor`.

    Raises:
        ValueError: There is no region, or something is none.
    """

    def __init__(
        self,
        regions: Sequence[Any] = MR_CNN_REGIONS,
        box_region: Any = (0, 1.3),
        semantic_region: Any = None,
        featmap_stride: int = 16,
        init_cfg: OptMultiConfig = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            featmap_stride=featmap_stride, init_cfg=init_cfg, **kwargs
        )
        if isinstance(regions, str) or not len(regions):
            raise ValueError(
                f'regions is {regions!r}, expected at least one region in a '
                'list, such as [(0, 1)]'
            )
        self.regions = [parse_region(x) for x in regions]
        self.box_region, self.semantic_region = (
            None if x is None else parse_region(x)
            for x in (box_region, semantic_region)
        )
        if semantic_region is not None:
            self.featmap_strides = [featmap_stride] * 2

    @on_integers
    def forward(  # type: ignore[override]
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> PooledRegions:
        """Get ready to pool.

        Args:
            feats: One level, shape (N, C, H, W); with a semantic region a
                second one of the same stride.
            rois: As for :class:`RoIPoolExtractor`, shape (R, 5).
            roi_scale_factor: Enlarge RoIs by this factor first.

        Returns:
            What pools a region when it is asked for.

        Raises:
            TypeError: A level of features is missing.
        """
        if len(feats) != self.num_inputs:
            raise TypeError(
                f'RegionExtractor got {Count(len(feats)):level} of features, '
                f'its semantic_region needs {self.num_inputs}. Remedy: neck='
                "dict(type='mmdet_ohem.ForegroundNeck'), or "
                'semantic_region=None'
            )
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        first = self._as_read(feats[0])
        size = self.roi_layers[0].output_size
        pool = partial(self._pool, first, rois, size)
        box, semantic = self.box_region, None
        if self.semantic_region is not None:
            # Trained by its own loss alone, as in MR-CNN.
            second = self._as_read(feats[1].detach())
            semantic = partial(
                self._pool,
                second,
                rois,
                (SEMANTIC_BINS, SEMANTIC_BINS),
                self.semantic_region,
            )
        return PooledRegions(
            [partial(pool, region) for region in self.regions],
            None if box is None else partial(pool, box),
            semantic,
        )

    def rounded(self, rois: Tensor) -> Tensor:
        """Regions in cells: RoIs with equal rows pool the same.

        Args:
            rois: As for :meth:`forward`, shape (R, 5).

        Returns:
            Image index and the corners of all regions and holes, shape
            (R, 1 + 4 * boxes).
        """
        boxes = []
        for region in (*self.regions, self.box_region, self.semantic_region):
            if region is not None:
                boxes.append(region.rois(rois.float()))
                if region.has_hole:
                    boxes.append(region.holes(rois.float()))
        cells = [super(RegionExtractor, self).rounded(x) for x in boxes]
        return torch.cat([cells[0][:, :1], *(x[:, 1:] for x in cells)], 1)

    def _pool(
        self,
        feat: Tensor,
        rois: Tensor,
        output_size: tuple[int, int],
        region: Region,
    ) -> Tensor:
        """Pool a region of all RoIs, shape (R, C, PH, PW)."""
        scale = self.roi_layers[0].spatial_scale
        rois = rois.float()
        outer = self._inclusive(region.rois(rois))
        if not region.has_hole:
            return roi_pool(feat, outer, output_size, scale)
        holes = self._inclusive(region.holes(rois))
        return ring_pool(feat, outer, holes, output_size, scale)
