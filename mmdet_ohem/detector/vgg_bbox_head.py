"""fc6, fc7 and the two output layers of VGG Fast R-CNN."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.utils import OptConfigType
from mmengine.model import kaiming_init
from torch import Tensor, nn

from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)
from mmdet_ohem.registry import MODELS

#: Parameters of fc6 and fc7 -> their names in a torchvision VGG16.
TORCHVISION_NAMES = {
    'fc6.weight': 'classifier.0.weight',
    'fc6.bias': 'classifier.0.bias',
    'fc7.weight': 'classifier.3.weight',
    'fc7.bias': 'classifier.3.bias',
}


# How many outputs of a layer have their weights copied at a time. The block is
# so small that the C library keeps its memory between calls.
_OUTPUTS_AT_ONCE = 512


class WideLinear(nn.Linear):
    """A linear layer that autocast on CPU need not copy as a whole.

    fc6 of VGG16 has 400 MB of weights, and a copy of 200 MB in half precision
    would be the peak of the memory in OHEM's read-only pass. The numbers are
    the same.

    Args:
        num_inputs: Of each row.
        num_outputs: Of each row.
        input_scale: Inputs count times this number. The product is scaled,
            not the inputs, of which there are many more.
    """

    def __init__(
        self, num_inputs: int, num_outputs: int, input_scale: float = 1.0
    ) -> None:
        super().__init__(num_inputs, num_outputs)
        self.input_scale = input_scale

    def forward(self, x: Tensor) -> Tensor:
        """``input_scale * x`` times the weights, plus the bias."""
        device = x.device.type
        if (
            device != 'cpu'
            or torch.is_grad_enabled()
            or not torch.is_autocast_enabled(device)
        ):
            return self._multiply(x, self.weight, self.bias)
        dtype = torch.get_autocast_dtype(device)
        x = x.to(dtype)
        out = x.new_empty(*x.shape[:-1], self.out_features)
        for start in range(0, self.out_features, _OUTPUTS_AT_ONCE):
            part = slice(start, start + _OUTPUTS_AT_ONCE)
            bias = None if self.bias is None else self.bias[part].to(dtype)
            weight = self.weight[part].to(dtype)
            out[..., part] = self._multiply(x, weight, bias)
        return out

    def _multiply(self, x: Tensor, weight: Tensor, bias: Any) -> Tensor:
        if self.input_scale == 1:
            return F.linear(x, weight, bias)
        # Not by addmm's alpha: its backward pass scales the gradient of all
        # weights, where that of the product is far smaller.
        product = F.linear(x, weight) * self.input_scale
        return product if bias is None else product + bias.to(product.dtype)


def check_feature_scale(feature_scale: float) -> None:
    """Look at a key of a config.

    Args:
        feature_scale: What pooled features count times.

    Raises:
        ValueError: It is not above 0.
    """
    if not 0 < feature_scale < math.inf:
        raise ValueError(
            f'feature_scale is {feature_scale}, expected a number above 0: '
            '1 / the rms of the pooled features'
        )


@MODELS.register_module()
class VGGBBoxHead(BBoxHead):
    """fc6 and fc7, each with ReLU and dropout, then class and box outputs.

    mmdet's ``Shared2FCBBoxHead`` has no dropout and two layers of one width.

    Args:
        in_channels: Channels of the pooled feature map.
        fc_out_channels: Width of fc6 and fc7; (4096, 4096) for VGG16.
        dropout: Probability of dropout after each.
        feature_scale: Pooled features count times this number. With fc6 from
            scratch, 1 / their rms is right: conv5_3 of ImageNet's VGG16 has
            an rms of 7 and peaks of 700, with which fc6 does not learn.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a
            torchvision VGG16 checkpoint, whose fc6 and fc7 are taken; None:
            from scratch. The output layers start from N(0, .01) and
            N(0, .001) in either case.
        **kwargs: As for mmdet's ``BBoxHead``.

    Raises:
        ValueError: ``feature_scale`` is not above 0; at initialisation: fc6
            or fc7 do not fit the checkpoint.
    """

    def __init__(
        self,
        in_channels: int = 512,
        fc_out_channels: tuple[int, int] = (4096, 4096),
        dropout: float = 0.5,
        feature_scale: float = 1.0,
        init_cfg: OptConfigType = None,
        **kwargs: Any,
    ) -> None:
        check_feature_scale(feature_scale)
        fc6_width, fc7_width = fc_out_channels
        roi_feat_size = kwargs.pop('roi_feat_size', 7)
        # The base class sizes its output layers by in_channels, which here is
        # the width of fc7 rather than that of the pooled map.
        super().__init__(in_channels=fc7_width, roi_feat_size=1, **kwargs)
        self.pretrained_cfg = init_cfg
        num_inputs = in_channels * roi_feat_size**2
        self.fc6 = WideLinear(num_inputs, fc6_width, feature_scale)
        self.fc7 = WideLinear(fc6_width, fc7_width)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        """Set output layers at random, fc6 and fc7 as ``init_cfg`` says.

        Raises:
            ValueError: fc6 or fc7 do not fit the checkpoint.
        """
        super().init_weights()
        checkpoint = pretrained_checkpoint(self.pretrained_cfg)
        if checkpoint is not None:
            load_pretrained(self, checkpoint, TORCHVISION_NAMES)
            return
        for layer in (self.fc6, self.fc7):
            kaiming_init(layer, mode='fan_in')

    @on_integers
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score and relocate RoIs.

        Args:
            x: Pooled features, shape (R, C, PH, PW).

        Returns:
            Class scores before softmax, background last, shape
            (R, num_classes + 1), and box deltas, (R, 4 * num_classes).
        """
        x = x.flatten(1)
        for layer in (self.fc6, self.fc7):
            x = self.dropout(self.relu(layer(x)))
        return super().forward(x)
