"""The semantic branch of MR-CNN: features of a foreground network."""

from mmdet.utils import OptMultiConfig
from mmengine.model import BaseModule, kaiming_init
from torch import Tensor, nn

from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class ForegroundNeck(BaseModule):
    """Adds features that are trained to tell objects from background.

    MR-CNN, section 4: a second network on the features of the image, whose
    last hidden layer is pooled as one more region. :class:`MRCNNRoIHead`
    trains it from boxes as weak masks. It reads the image's features without
    a gradient to them, so that all else is trained as without it.

    Args:
        channels: Of the features, and of those added.
        num_convs: Convolutions 3 x 3, each with ReLU.
        init_cfg: As for any mmengine module.
    """

    def __init__(
        self,
        channels: int = 512,
        num_convs: int = 2,
        init_cfg: OptMultiConfig = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if num_convs < 1:
            raise ValueError(f'num_convs must be at least 1, got {num_convs}')
        layers: list[nn.Module] = []
        for _ in range(num_convs):
            layers += [
                nn.Conv2d(channels, channels, 3, padding=1),
                nn.ReLU(inplace=True),
            ]
        self.convs = nn.Sequential(*layers)

    def init_weights(self) -> None:
        """Start from scratch."""
        super().init_weights()
        for module in self.convs:
            if isinstance(module, nn.Conv2d):
                kaiming_init(module, mode='fan_in')

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Add a level.

        Args:
            feats: One level, shape (N, C, H, W).

        Returns:
            The same level, and one of the same shape.
        """
        (feat,) = feats
        return feat, self.convs(feat.detach())
