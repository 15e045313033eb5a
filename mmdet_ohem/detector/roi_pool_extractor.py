"""RoI extractor that pools with Caffe's arithmetic."""

import math
from collections.abc import Sequence

import torch
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from mmdet.utils import OptMultiConfig
from torch import Tensor

from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.roi_pool import RoIPool
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class RoIPoolExtractor(BaseRoIExtractor):
    """Pool RoIs from one feature map by :class:`RoIPool`.

    mmdet's ``SingleRoIExtractor`` finds its RoI layers in ``mmcv.ops`` alone,
    and casts RoIs to the type of the features, where half precision has no
    digits left for them. To use RoIAlign instead, replace this by a
    ``SingleRoIExtractor``.

    RoIs are edges, and Caffe's arithmetic takes the last pixels of a RoI:
    ``pixel`` is subtracted from x2 and y2 first. In Caffe that is a pixel of
    the original image, here of the resized one: its scale is not known to an
    extractor. At a scale near ``pixel`` nearly all RoIs get Caffe's cells
    (docs/design.md has the figures).

    Args:
        output_size: Bins per RoI and side, 7 for VGG16.
        out_channels: Channels of the feature map.
        featmap_stride: Pixels per cell, 16 for VGG16.
        pixel: Side of a pixel of the original image in the resized one. 1 is
            right for boxes that a detector found in the resized image; 1.5
            suits VOC at 600 pixels.
        init_cfg: As for any mmengine module.
    """

    def __init__(
        self,
        output_size: int = 7,
        out_channels: int = 512,
        featmap_stride: int = 16,
        pixel: float = 1.0,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        if not 0 <= pixel < math.inf:
            raise ValueError(
                f'pixel is {pixel}, expected 0 or more: the side of an '
                'original pixel in the resized image'
            )
        super().__init__(
            roi_layer=dict(type=RoIPool, output_size=output_size),
            out_channels=out_channels,
            featmap_strides=[featmap_stride],
            init_cfg=init_cfg,
        )
        self.pixel = pixel

    @on_integers
    def forward(
        self,
        feats: Sequence[Tensor],
        rois: Tensor,
        roi_scale_factor: float | None = None,
    ) -> Tensor:
        """Pool RoIs.

        Args:
            feats: One level, shape (N, C, H, W).
            rois: (image index, x1, y1, x2, y2), edges in pixels of the
                resized image, shape (R, 5).
            roi_scale_factor: Enlarge RoIs by this factor first.

        Returns:
            Shape (R, C, PH, PW).
        """
        if roi_scale_factor is not None:
            rois = self.roi_rescale(rois, roi_scale_factor)
        feat = self._as_read(feats[0])
        return self.roi_layers[0](feat, self._inclusive(rois))

    def rounded(self, rois: Tensor) -> Tensor:
        """RoIs in cells: equal rows pool the same, shape (R, 5)."""
        return self.roi_layers[0].rounded(self._inclusive(rois))

    def _inclusive(self, rois: Tensor) -> Tensor:
        """Edges to the last pixels, float32, shape (R, 5)."""
        inclusive = rois.float().clone()
        inclusive[:, 3:] -= self.pixel
        return inclusive

    @staticmethod
    def _as_read(feat: Tensor) -> Tensor:
        """Features in the precision that the layer behind reads them in.

        Rounding commutes with the maximum, so that autocast may round cells
        instead of bins, which are dozens of times as many: the numbers are the
        same. With gradients it is left alone, for these would be added up in
        half precision.
        """
        device = feat.device.type
        if torch.is_grad_enabled() or not torch.is_autocast_enabled(device):
            return feat
        return feat.to(torch.get_autocast_dtype(device))
