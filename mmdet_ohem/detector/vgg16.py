"""VGG16 as the Fast R-CNN backbone of 2015."""

from itertools import pairwise

from mmdet.utils import OptConfigType
from torch import nn

from mmdet_ohem.detector.vgg_backbone import VGGBackbone, widened
from mmdet_ohem.registry import MODELS

# Channels and number of the convolutions of each stage.
_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


@MODELS.register_module()
class VGG16(VGGBackbone):
    """The 13 convolutions of VGG16, up to conv5_3 at stride 16.

    Max pooling rounds sizes up, as Caffe does: 600 x 800 pixels give 38 x 50
    cells. The parameters are named as in torchvision's VGG16.

    Args:
        frozen_stages: How many of the five stages are not trained; they are
            frozen from construction, so that optimizer and DDP never see
            them. 2 in the paper (conv1_1 to conv2_2); 0 from scratch.
        widen_factor: All numbers of channels count times this number. 1 is
            VGG16; the demo has a quarter, for which there are no weights but
            its own.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a
            torchvision VGG16 checkpoint, a file or ``torchvision://vgg16``;
            None: from scratch, by He initialisation.

    Raises:
        ValueError: ``frozen_stages`` is not in 0..5, ``widen_factor`` leaves
            no channel, or, at initialisation, the checkpoint is not a VGG16
            of this width.
    """

    def __init__(
        self,
        frozen_stages: int = 2,
        init_cfg: OptConfigType = None,
        widen_factor: float = 1.0,
    ) -> None:
        layers = vgg16_layers(widen_factor)
        ends = [
            index + 1
            for index, layer in enumerate(layers)
            if isinstance(layer, nn.MaxPool2d)
        ]
        stages = list(pairwise([0, *ends, len(layers)]))
        super().__init__(layers, stages, frozen_stages, init_cfg)


def vgg16_layers(widen_factor: float = 1.0) -> nn.Sequential:
    """Layers of VGG16 from conv1_1 to the ReLU after conv5_3.

    Args:
        widen_factor: All numbers of channels count times this number.

    Raises:
        ValueError: It leaves no channel.
    """
    layers: list[nn.Module] = []
    num_inputs = 3
    for stage, (width, depth) in enumerate(_STAGES):
        num_outputs = widened(width, widen_factor)
        if stage:
            layers.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
        for _ in range(depth):
            layers.append(nn.Conv2d(num_inputs, num_outputs, 3, padding=1))
            layers.append(nn.ReLU(inplace=True))
            num_inputs = num_outputs
    return nn.Sequential(*layers)
