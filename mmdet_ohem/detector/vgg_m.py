"""VGG_CNN_M_1024, the smaller backbone of the paper."""

import torch.nn.functional as F
from mmdet.utils import OptConfigType
from torch import Tensor, nn

from mmdet_ohem.detector.vgg_backbone import VGGBackbone, widened
from mmdet_ohem.registry import MODELS

# First and one past the last layer of conv1 to conv5, each with what follows.
_STAGES = ((0, 4), (4, 8), (8, 10), (10, 12), (12, 14))


class _LocalResponseNorm(nn.Module):
    """x / (2 + 1e-4 * sum of squares over 5 channels) ** 0.75, as in Caffe.

    torch's layer computes the same, in four times the time on CPU. In
    float32: half precision cannot hold the square of an activation above 255,
    which images without division by a deviation reach.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, H, W)."""
        full = x.float()
        padded = F.pad(full.square(), (0, 0, 0, 0, 2, 2))
        channels = x.shape[1]
        squares = padded[:, :channels]
        for shift in range(1, 5):
            squares = squares + padded[:, shift : shift + channels]
        # Caffe's alpha of 5e-4 is divided by the 5 channels.
        root = (squares * 1e-4 + 2.0).rsqrt()
        return (full * root * root.sqrt()).to(x.dtype)


@MODELS.register_module()
class VGGM(VGGBackbone):
    """The 5 convolutions of VGG_CNN_M_1024, at stride 16.

    conv1 and the pools have no padding, so that the map is smaller than a
    sixteenth of the image: 600 x 800 pixels give 36 x 49 cells. Max pooling
    rounds sizes up, as Caffe does. RoIs are scaled by 1/16 all the same: bins
    at the right and at the bottom may be empty.

    Args:
        frozen_stages: How many of the five convolutions are not trained; they
            are frozen from construction, so that optimizer and DDP never see
            them. 1 in the paper; 0 from scratch.
        widen_factor: All numbers of channels count times this number. 1 is
            VGG_CNN_M_1024; the demo has a quarter.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a file of
            ``mmdet-ohem weights --net vgg_m``; None: from scratch, by
            He initialisation.

    Raises:
        ValueError: ``frozen_stages`` is not in 0..5, ``widen_factor`` leaves
            no channel, or, at initialisation, the checkpoint is not a
            VGG_CNN_M_1024 of this width.
    """

    def __init__(
        self,
        frozen_stages: int = 1,
        init_cfg: OptConfigType = None,
        widen_factor: float = 1.0,
    ) -> None:
        layers = vgg_m_layers(widen_factor)
        super().__init__(layers, _STAGES, frozen_stages, init_cfg)


def vgg_m_layers(widen_factor: float = 1.0) -> nn.Sequential:
    """Layers of VGG_CNN_M_1024 from conv1 to the ReLU after conv5.

    Args:
        widen_factor: All numbers of channels count times this number.

    Raises:
        ValueError: It leaves no channel.
    """
    conv1, conv2, conv3 = (widened(x, widen_factor) for x in (96, 256, 512))
    return nn.Sequential(
        nn.Conv2d(3, conv1, 7, stride=2),
        nn.ReLU(inplace=True),
        _LocalResponseNorm(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(conv1, conv2, 5, stride=2, padding=1),
        nn.ReLU(inplace=True),
        _LocalResponseNorm(),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Conv2d(conv2, conv3, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(conv3, conv3, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(conv3, conv3, 3, padding=1),
        nn.ReLU(inplace=True),
    )
