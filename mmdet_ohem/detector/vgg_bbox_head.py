"""fc6, fc7 and the two output layers of VGG Fast R-CNN."""

from typing import Any

from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.utils import OptConfigType
from mmengine.model import kaiming_init
from torch import Tensor, nn

from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)
from mmdet_ohem.registry import MODELS

_TORCHVISION_NAMES = {
    'fc6.weight': 'classifier.0.weight',
    'fc6.bias': 'classifier.0.bias',
    'fc7.weight': 'classifier.3.weight',
    'fc7.bias': 'classifier.3.bias',
}


@MODELS.register_module()
class VGGBBoxHead(BBoxHead):
    """fc6 and fc7, each with ReLU and dropout, then class and box outputs.

    mmdet's ``Shared2FCBBoxHead`` has no dropout and two layers of one width.

    Args:
        in_channels: Channels of the pooled feature map.
        fc_out_channels: Width of fc6 and fc7; (4096, 4096) for VGG16.
        dropout: Probability of dropout after each.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with a
            torchvision VGG16 checkpoint, whose fc6 and fc7 are taken; None:
            from scratch. The output layers start from N(0, .01) and
            N(0, .001) in either case.
        **kwargs: As for mmdet's ``BBoxHead``.

    Raises:
        ValueError: At initialisation: fc6 or fc7 do not fit the checkpoint.
    """

    def __init__(
        self,
        in_channels: int = 512,
        fc_out_channels: tuple[int, int] = (4096, 4096),
        dropout: float = 0.5,
        init_cfg: OptConfigType = None,
        **kwargs: Any,
    ) -> None:
        fc6_width, fc7_width = fc_out_channels
        roi_feat_size = kwargs.pop('roi_feat_size', 7)
        # The base class sizes its output layers by in_channels, which here is
        # the width of fc7 rather than that of the pooled map.
        super().__init__(in_channels=fc7_width, roi_feat_size=1, **kwargs)
        self.pretrained_cfg = init_cfg
        num_inputs = in_channels * roi_feat_size**2
        self.fc6 = nn.Linear(num_inputs, fc6_width)
        self.fc7 = nn.Linear(fc6_width, fc7_width)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)

    def init_weights(self) -> None:
        """Output layers at random, fc6 and fc7 as ``init_cfg`` says.

        Raises:
            ValueError: fc6 or fc7 do not fit the checkpoint.
        """
        super().init_weights()
        checkpoint = pretrained_checkpoint(self.pretrained_cfg)
        if checkpoint is not None:
            load_pretrained(self, checkpoint, _TORCHVISION_NAMES)
            return
        for layer in (self.fc6, self.fc7):
            kaiming_init(layer, mode='fan_in')

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
