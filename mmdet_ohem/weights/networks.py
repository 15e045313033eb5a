"""The layers of the two networks: their names in Caffe and here, shapes."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from mmdet_ohem.detector.vgg_m import vgg_m_layers

KINDS = ('backbone', 'detector')


class Layer(NamedTuple):
    """A convolution or fully connected layer.

    Args:
        caffe: Name of the layer in a .caffemodel.
        torchvision: Prefix of its parameters in a torchvision VGG16, which
            the files for ``init_cfg`` follow.
        detector: Prefix of its parameters in a detector's checkpoint.
        shape: Of the weight; the bias has its first size.
    """

    caffe: str
    torchvision: str
    detector: str
    shape: tuple[int, ...]


class Network(NamedTuple):
    """A backbone and what its box head begins with.

    Args:
        convs: Caffe's name -> index in ``features``, input channels, output
            channels, size of the kernel.
        pooled: Bins of a RoI and side.
        fc_out_channels: Width of fc6 and fc7.
    """

    convs: dict[str, tuple[int, int, int, int]]
    pooled: int
    fc_out_channels: tuple[int, int]

    def layers(
        self, fc_out_channels: tuple[int, int] | None = None
    ) -> list[Layer]:
        """All layers up to fc7, with fc6 and fc7 of another width if given."""
        fc6_width, fc7_width = fc_out_channels or self.fc_out_channels
        layers = []
        channels = 0
        for caffe, (i, inputs, channels, size) in self.convs.items():
            layers.append(
                Layer(
                    caffe,
                    f'features.{i}',
                    f'backbone.features.{i}',
                    (channels, inputs, size, size),
                )
            )
        flat = channels * self.pooled**2
        for caffe, i, shape in (
            ('fc6', 0, (fc6_width, flat)),
            ('fc7', 3, (fc7_width, fc6_width)),
        ):
            name = f'roi_head.bbox_head.{caffe}'
            layers.append(Layer(caffe, f'classifier.{i}', name, shape))
        return layers


def _numbered_convs(
    build: Callable[[], nn.Sequential],
) -> dict[str, tuple[int, int, int, int]]:
    """``Network.convs`` of layers whose convolutions Caffe numbers from 1."""
    # Shapes alone: no memory for weights.
    with torch.device('meta'):
        layers = build()
    convs = [
        (i, layer.in_channels, layer.out_channels, layer.kernel_size[0])
        for i, layer in enumerate(layers)
        if isinstance(layer, nn.Conv2d)
    ]
    return {f'conv{number}': conv for number, conv in enumerate(convs, 1)}


NETS = {
    'vgg16': Network(
        {
            'conv1_1': (0, 3, 64, 3),
            'conv1_2': (2, 64, 64, 3),
            'conv2_1': (5, 64, 128, 3),
            'conv2_2': (7, 128, 128, 3),
            'conv3_1': (10, 128, 256, 3),
            'conv3_2': (12, 256, 256, 3),
            'conv3_3': (14, 256, 256, 3),
            'conv4_1': (17, 256, 512, 3),
            'conv4_2': (19, 512, 512, 3),
            'conv4_3': (21, 512, 512, 3),
            'conv5_1': (24, 512, 512, 3),
            'conv5_2': (26, 512, 512, 3),
            'conv5_3': (28, 512, 512, 3),
        },
        pooled=7,
        fc_out_channels=(4096, 4096),
    ),
    'vgg_m': Network(
        _numbered_convs(vgg_m_layers),
        pooled=6,
        fc_out_channels=(4096, 1024),
    ),
}
