"""VGG16 as the Fast R-CNN backbone of 2015."""

import logging

import torch
from mmcv.cnn import VGG
from mmdet.utils import OptConfigType
from mmengine.logging import print_log
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn

from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class VGG16(BaseModule):
    """The 13 convolutions of VGG16, up to conv5_3 at stride 16.

    Max pooling rounds sizes up, as Caffe does: 600 x 800 pixels give 38 x 50
    cells. The parameters are named as in torchvision's VGG16.

    Args:
        frozen_stages: How many of the five stages are not trained; they are
            frozen from construction, so that optimizer and DDP never see
            them. 2 in the paper (conv1_1 to conv2_2); 0 from scratch.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a
            torchvision VGG16 checkpoint, a file or ``torchvision://vgg16``;
            None: from scratch, by He initialisation.

    Raises:
        ValueError: ``frozen_stages`` is not in 0..5, or, at initialisation,
            the checkpoint is not a VGG16.
    """

    def __init__(
        self, frozen_stages: int = 2, init_cfg: OptConfigType = None
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        vgg = VGG(depth=16, with_last_pool=False, ceil_mode=True)
        if not 0 <= frozen_stages <= len(vgg.stage_blocks):
            raise ValueError(
                f'frozen_stages must be 0 to 5, got {frozen_stages}'
            )
        self.features: nn.Sequential = vgg.features
        for start, end in vgg.range_sub_modules[:frozen_stages]:
            self.features[start:end].requires_grad_(False)
        self.frozen_stages = frozen_stages

    def init_weights(self) -> None:
        """Load the checkpoint of ``init_cfg``, or start from scratch.

        Raises:
            ValueError: The checkpoint is not one of VGG16.
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
                f'VGG16: {self.frozen_stages} stages are frozen at random '
                'values. Give init_cfg a checkpoint, or set frozen_stages=0 '
                'to train from scratch',
                logger='current',
                level=logging.WARNING,
            )

    def forward(self, img: Tensor) -> tuple[Tensor]:
        """Features of conv5_3.

        Args:
            img: Shape (N, 3, H, W).

        Returns:
            One level, shape (N, 512, about H / 16, about W / 16).
        """
        # Same numbers, half the time on CPU; RoI pooling wants it as well.
        img = img.contiguous(memory_format=torch.channels_last)
        return (self.features(img),)
