"""Box head of SPPnet: fc6 and fc7 on a spatial pyramid."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)
from mmdet_ohem.detector.spp_extractor import (
    SPP_LEVELS,
    check_levels,
    num_bins,
)
from mmdet_ohem.detector.vgg_bbox_head import (
    TORCHVISION_NAMES,
    VGGBBoxHead,
)
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class SPPBBoxHead(VGGBBoxHead):
    """The layers of :class:`VGGBBoxHead` on the bins of a pyramid.

    No classifier of ImageNet with VGG's convolutions was published that reads
    a pyramid, so its fc6 is made of one that reads a single grid: the finest
    level takes over the weights, each bin the share of the grid's bins that it
    covers, and the coarser levels start from zero. Where grid and finest level
    have as many bins, as with VGG-M, the network starts as Fast R-CNN's.

    Args:
        levels: Bins per side of each level, as the extractor has them.
        in_channels: Channels of the feature map.
        roi_feat_size: Bins per side of the grid that the checkpoint's fc6
            reads; 7 for VGG16, 6 for VGG-M.
        **kwargs: As for :class:`VGGBBoxHead`.

    Raises:
        ValueError: ``levels`` is out of range, or, at initialisation, fc6 or
            fc7 do not fit the checkpoint.
    """

    def __init__(
        self,
        levels: Sequence[int] = SPP_LEVELS,
        in_channels: int = 512,
        roi_feat_size: int = 7,
        **kwargs: Any,
    ) -> None:
        self.levels = check_levels(levels)
        self.num_channels = in_channels
        self.pretrained_feat_size = roi_feat_size
        super().__init__(
            in_channels * num_bins(self.levels), roi_feat_size=1, **kwargs
        )

    def init_weights(self) -> None:
        """Set output layers at random, fc6 and fc7 as ``init_cfg`` says.

        Raises:
            ValueError: fc6 or fc7 do not fit the checkpoint.
        """
        checkpoint = pretrained_checkpoint(self.pretrained_cfg)
        given, self.pretrained_cfg = self.pretrained_cfg, None
        super().init_weights()
        self.pretrained_cfg = given
        if checkpoint is None:
            return
        area = self.pretrained_feat_size**2
        grid = nn.Linear(self.num_channels * area, self.fc6.out_features)
        published = nn.ModuleDict({'fc6': grid, 'fc7': self.fc7})
        load_pretrained(published, checkpoint, TORCHVISION_NAMES)
        with torch.no_grad():
            self.fc6.bias.copy_(grid.bias)
            weights = pyramid_weights(
                grid.weight.view(len(grid.weight), self.num_channels, area),
                self.pretrained_feat_size,
                self.levels,
            )
            self.fc6.weight.copy_(weights.flatten(1))

    @on_integers
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score and relocate RoIs.

        Args:
            x: Pooled features, shape (R, C, bins).

        Returns:
            As :class:`VGGBBoxHead`.

        Raises:
            TypeError: The extractor pools to other levels.
        """
        expected = (self.num_channels, num_bins(self.levels))
        if tuple(x.shape[1:]) != expected:
            raise TypeError(
                f'SPPBBoxHead reads the levels {self.levels}, (R, '
                f'{expected[0]}, {expected[1]}), but its RoI extractor gives '
                f'{tuple(x.shape)}. Remedy: the same levels in '
                "bbox_roi_extractor, of the type 'mmdet_ohem.SPPExtractor'"
            )
        return super().forward(x)


def pyramid_weights(
    weights: Tensor, feat_size: int, levels: Sequence[int]
) -> Tensor:
    """Weights on a pyramid from weights on a single grid.

    Args:
        weights: Shape (outputs, channels, feat_size * feat_size).
        feat_size: Bins per side of the grid.
        levels: Bins per side of each level.

    Returns:
        Shape (outputs, channels, bins), the bins level by level. On features
        that are the same within each bin of the finest level they give what
        ``weights`` give on the mean of these features in each bin of the grid.
    """
    finest = max(range(len(levels)), key=lambda i: levels[i])
    shares = _shares(feat_size, levels[finest])
    grid = weights.view(*weights.shape[:2], feat_size, feat_size)
    resampled = torch.einsum('ocyx,yv,xu->ocvu', grid, shares, shares)
    parts = [
        resampled.flatten(2)
        if i == finest
        else weights.new_zeros(*weights.shape[:2], level**2)
        for i, level in enumerate(levels)
    ]
    return torch.cat(parts, 2)


def _shares(feat_size: int, level: int) -> Tensor:
    """Share of each bin of a grid's side that lies in each bin of a level's.

    Args:
        feat_size: Bins of the grid's side.
        level: Bins of the level's side.

    Returns:
        Shape (feat_size, level); rows sum to 1.
    """
    if feat_size == level:
        return torch.eye(level)
    start = torch.arange(feat_size)[:, None] / feat_size
    first = torch.arange(level)[None] / level
    overlap = torch.minimum(start + 1 / feat_size, first + 1 / level)
    overlap = (overlap - torch.maximum(start, first)).clamp(min=0)
    return overlap * feat_size
