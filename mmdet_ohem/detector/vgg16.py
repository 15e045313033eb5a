"""VGG16 as the Fast R-CNN backbone of 2015."""

from mmcv.cnn import VGG
from mmdet.utils import OptConfigType

from mmdet_ohem.detector.vgg_backbone import VGGBackbone
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class VGG16(VGGBackbone):
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
        vgg = VGG(depth=16, with_last_pool=False, ceil_mode=True)
        super().__init__(
            vgg.features, vgg.range_sub_modules, frozen_stages, init_cfg
        )
