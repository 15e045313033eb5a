"""Box head of MR-CNN: fc6 and fc7 for each region."""

from typing import Any

import torch
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.utils import OptConfigType
from mmengine.model import kaiming_init
from torch import Tensor, nn

from mmdet_ohem.detector.pooled_integers import on_integers
from mmdet_ohem.detector.pooled_regions import PooledRegions
from mmdet_ohem.detector.pretrained import (
    load_pretrained,
    pretrained_checkpoint,
)
from mmdet_ohem.detector.regions import SEMANTIC_BINS
from mmdet_ohem.detector.vgg_bbox_head import (
    TORCHVISION_NAMES,
    WideLinear,
    check_feature_scale,
)
from mmdet_ohem.registry import MODELS


class FCBranch(nn.Module):
    """Fully connected layers of a region, each with ReLU and dropout.

    Args:
        num_inputs: Channels times bins.
        widths: Of fc6, and of fc7 if there is one.
        dropout: Probability of dropout after each.
        feature_scale: Pooled features count times this number.
    """

    def __init__(
        self,
        num_inputs: int,
        widths: tuple[int, ...],
        dropout: float,
        feature_scale: float,
    ) -> None:
        super().__init__()
        self.fc6 = WideLinear(num_inputs, widths[0], feature_scale)
        self.layers = ['fc6']
        if len(widths) > 1:
            self.fc7 = WideLinear(widths[0], widths[1])
            self.layers.append('fc7')
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(dropout)

    def start_from_scratch(self) -> None:
        """Set weights at random.

        Not ``init_weights``, which mmengine would call before the weights of
        a checkpoint are copied: a second for each region of VGG16.
        """
        for name in self.layers:
            kaiming_init(getattr(self, name), mode='fan_in')

    def forward(self, x: Tensor) -> Tensor:
        """What a region says of each RoI.

        Args:
            x: Pooled features, shape (R, C, PH, PW).

        Returns:
            Shape (R, width of the last layer).
        """
        x = x.flatten(1)
        for name in self.layers:
            x = self.dropout(self.relu(getattr(self, name)(x)))
        return x


@MODELS.register_module()
class MRCNNBBoxHead(BBoxHead):
    """fc6 and fc7 of each region, joined for the class and box outputs.

    With one region and ``box_region=False`` it is :class:`VGGBBoxHead`. MR-CNN
    has a class's SVM on the joined features, and trains its regions one by
    one; here all are trained together, with softmax.

    Args:
        num_regions: As many as the extractor pools.
        box_region: Whether boxes are relocated by a region of their own, with
            its own fc6 and fc7; else by the joined features.
        semantic_region: Whether the joined features include those of the
            semantic branch, behind one layer of half the width of fc7.
        in_channels: Channels of the feature map, of the semantic one, too.
        roi_feat_size: Bins per side of a region.
        fc_out_channels: Width of fc6 and fc7 of each region.
        dropout: Probability of dropout after each.
        feature_scale: As for :class:`VGGBBoxHead`, of all regions.
        init_cfg: As for :class:`VGGBBoxHead`; each region starts from the
            checkpoint's fc6 and fc7. The layer of the semantic branch starts
            from scratch.
        **kwargs: As for mmdet's ``BBoxHead``.

    Raises:
        ValueError: There is no region, ``feature_scale`` is not above 0, or,
            at initialisation, fc6 or fc7 do not fit the checkpoint.
    """

    # mmdet says of what kind these are nowhere.
    fc_cls: Any
    fc_reg: Any

    def __init__(
        self,
        num_regions: int = 10,
        box_region: bool = True,
        semantic_region: bool = False,
        in_channels: int = 512,
        roi_feat_size: int = 7,
        fc_out_channels: tuple[int, int] = (4096, 4096),
        dropout: float = 0.5,
        feature_scale: float = 1.0,
        init_cfg: OptConfigType = None,
        **kwargs: Any,
    ) -> None:
        if num_regions < 1:
            raise ValueError(
                f'num_regions must be at least 1, got {num_regions}'
            )
        check_feature_scale(feature_scale)
        fc6_width, fc7_width = fc_out_channels
        semantic_width = fc7_width // 2 if semantic_region else 0
        # The base class sizes its output layers by in_channels, which here is
        # the width of the joined features.
        super().__init__(
            in_channels=num_regions * fc7_width + semantic_width,
            roi_feat_size=1,
            **kwargs,
        )
        self.pretrained_cfg = init_cfg
        num_inputs = in_channels * roi_feat_size**2
        widths = (fc6_width, fc7_width)
        self.regions = nn.ModuleList(
            FCBranch(num_inputs, widths, dropout, feature_scale)
            for _ in range(num_regions)
        )
        self.box_region: FCBranch | None = None
        self.semantic_region: FCBranch | None = None
        if box_region:
            self.box_region = FCBranch(
                num_inputs, widths, dropout, feature_scale
            )
            num_outputs = len(self.fc_reg.bias)
            self.fc_reg = MMDET_MODELS.build(
                dict(
                    self.reg_predictor_cfg,
                    in_features=fc7_width,
                    out_features=num_outputs,
                )
            )
        if semantic_region:
            self.semantic_region = FCBranch(
                in_channels * SEMANTIC_BINS**2,
                (semantic_width,),
                dropout,
                feature_scale,
            )

    @property
    def kinds(self) -> tuple[int, bool, bool]:
        """As :attr:`PooledRegions.kinds`."""
        has_box = self.box_region is not None
        return len(self.regions), has_box, self.semantic_region is not None

    def init_weights(self) -> None:
        """Set output layers at random, the regions as ``init_cfg`` says.

        Raises:
            ValueError: fc6 or fc7 do not fit the checkpoint.
        """
        super().init_weights()
        checkpoint = pretrained_checkpoint(self.pretrained_cfg)
        branches: list[Any] = [*self.regions]
        if self.box_region is not None:
            branches.append(self.box_region)
        first, *others = branches
        if checkpoint is not None:
            load_pretrained(first, checkpoint, TORCHVISION_NAMES)
            for branch in others:
                branch.load_state_dict(first.state_dict())
        else:
            for branch in branches:
                branch.start_from_scratch()
        if self.semantic_region is not None:
            self.semantic_region.start_from_scratch()

    @on_integers
    def forward(self, x: PooledRegions) -> tuple[Tensor, Tensor]:
        """Score and relocate RoIs.

        Args:
            x: Regions of R RoIs.

        Returns:
            Class scores before softmax, background last, shape
            (R, num_classes + 1), and box deltas, (R, 4 * num_classes).

        Raises:
            TypeError: The extractor pools other regions.
        """
        if getattr(x, 'kinds', None) != self.kinds:
            raise TypeError(
                'MRCNNBBoxHead has (regions, box region, semantic region) = '
                f'{self.kinds}, but its RoI extractor gives '
                f'{getattr(x, "kinds", type(x).__name__)}. Remedy: give the '
                'regions to roi_head, an mmdet_ohem.MRCNNRoIHead, alone; or '
                'the same number to both parts'
            )
        parts = [
            branch(x.pool(index)) for index, branch in enumerate(self.regions)
        ]
        if self.semantic_region is not None:
            parts.append(self.semantic_region(x.pool_semantic()))
        joined = torch.cat(parts, 1)
        cls_score = self.fc_cls(joined)
        if self.box_region is None:
            return cls_score, self.fc_reg(joined)
        # Of thousands of RoIs they take more than a pooled region.
        del parts, joined
        return cls_score, self.fc_reg(self.box_region(x.pool_box()))
