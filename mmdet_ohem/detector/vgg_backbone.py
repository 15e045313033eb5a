"""What the backbones of 2015 share: freezing, weights, forward pass."""

import logging
from collections.abc import Sequence

import torch
from mmdet.utils import OptConfigType
from mmengine.logging import print_log
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn

from mmdet_ohem.counts import Count
from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)


def widened(num_channels: int, widen_factor: float) -> int:
    """Channels of a layer in a wider or narrower network.

    Args:
        num_channels: Of the layer as published.
        widen_factor: What they count times.

    Raises:
        ValueError: None is left.
    """
    found = int(num_channels * widen_factor)
    if found < 1:
        raise ValueError(
            f'widen_factor is {widen_factor}, which leaves no channel of '
            f'{num_channels}. Remedy: give at least {1 / num_channels:.3g}'
        )
    return found


class VGGBackbone(BaseModule):
    """A sequence of layers, whose first stages are frozen at construction.

    Args:
        features: The layers; parameters are named ``features.N.weight``.
        stages: First and one past the last layer of each stage.
        frozen_stages: How many stages are not trained.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)``, or None.

    Raises:
        ValueError: ``frozen_stages`` is negative or more than there are.
    """

    def __init__(
        self,
        features: nn.Sequential,
        stages: Sequence[tuple[int, int]],
        frozen_stages: int,
        init_cfg: OptConfigType,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if not 0 <= frozen_stages <= len(stages):
            raise ValueError(
                f'frozen_stages must be 0 to {len(stages)}, got '
                f'{frozen_stages}'
            )
        self.features = features
        # Here and not in train(): optimizer and DDP are built before it.
        self._num_frozen = stages[frozen_stages - 1][1] if frozen_stages else 0
        self.features[: self._num_frozen].requires_grad_(False)
        self.frozen_stages = frozen_stages

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg``, or start from scratch.

        Raises:
            ValueError: The checkpoint is not one of this network.
        """
        checkpoint = pretrained_checkpoint(self.init_cfg)
        if checkpoint is not None:
            names = [name for name, _ in self.named_parameters()]
            load_pretrained(self, checkpoint, {name: name for name in names})
            return
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                kaiming_init(module, mode='fan_in')
        if self.frozen_stages:
            print_log(
                f'{type(self).__name__}: {Count(self.frozen_stages):stage} '
                f'{Count(self.frozen_stages):is|are} '
                'frozen at random values. Give init_cfg a checkpoint, or set '
                'frozen_stages=0 to train from scratch',
                logger='current',
                level=logging.WARNING,
            )

    def divided(self) -> tuple[nn.Module, nn.Module]:
        """The frozen layers and those that are trained; they share weights.

        Returns:
            Two networks; each maps features (N, C, h, w), the first one
            images (N, 3, H, W), to a tuple of one level. One without layers
            returns what it is given.
        """
        layers, num_frozen = [*self.features], self._num_frozen
        return _Layers(layers[:num_frozen]), _Layers(layers[num_frozen:])

    def forward(self, img: Tensor) -> tuple[Tensor]:
        """Features of the last convolution.

        Args:
            img: Shape (N, 3, H, W).

        Returns:
            One level, shape (N, C, about H / 16, about W / 16); C is 512 at
            full width.
        """
        return _through(self.features, img)


class _Layers(nn.Module):
    """Some layers of a backbone, as a network."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """One level, of an image or of the features of other layers."""
        return _through(self.features, x)


def _through(layers: nn.Module, x: Tensor) -> tuple[Tensor]:
    """What layers make of an image, or of the features of other layers."""
    # Same numbers, half the time on CPU; RoI pooling wants it as well.
    return (layers(x.contiguous(memory_format=torch.channels_last)),)
