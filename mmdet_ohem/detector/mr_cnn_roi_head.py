"""RoI head of MR-CNN."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from mmdet.utils import InstanceList
from mmengine.model import normal_init
from torch import Tensor, nn

from mmdet_ohem.detector.regions import MR_CNN_REGIONS
from mmdet_ohem.registry import MODELS

_GIVEN_HERE = ('regions', 'num_regions', 'box_region', 'semantic_region')


@MODELS.register_module()
class MRCNNRoIHead(StandardRoIHead):
    """A RoI head that looks at several regions of each RoI.

    Gives its keys to a :class:`RegionExtractor` and an
    :class:`MRCNNBBoxHead`, and trains the semantic branch, if there is one.

    Args:
        regions: As for :class:`RegionExtractor`.
        box_region: Likewise.
        semantic_region: Likewise; needs a :class:`ForegroundNeck`.
        bbox_roi_extractor: Without these keys.
        bbox_head: Without ``num_regions``.
        **kwargs: As for mmdet's ``StandardRoIHead``.

    Raises:
        TypeError: A part is given a key that it gets from here.
        ValueError: A region is none.
    """

    def __init__(
        self,
        bbox_roi_extractor: dict,
        bbox_head: dict,
        regions: Sequence[Any] = MR_CNN_REGIONS,
        box_region: Any = (0, 1.3),
        semantic_region: Any = None,
        **kwargs: Any,
    ) -> None:
        for part in (bbox_roi_extractor, bbox_head):
            twice = [key for key in _GIVEN_HERE if key in part]
            if twice:
                raise TypeError(
                    f'{part["type"]} has {twice}, which MRCNNRoIHead gives '
                    'it. Remedy: write these into roi_head alone'
                )
        has_semantic = semantic_region is not None
        super().__init__(
            bbox_roi_extractor=dict(
                bbox_roi_extractor,
                regions=regions,
                box_region=box_region,
                semantic_region=semantic_region,
            ),
            bbox_head=dict(
                bbox_head,
                num_regions=len(regions),
                box_region=box_region is not None,
                semantic_region=has_semantic,
            ),
            **kwargs,
        )
        self.foreground = None
        if has_semantic:
            channels = self.bbox_roi_extractor.out_channels
            self.foreground = nn.Conv2d(channels, 1, 1)

    def init_weights(self) -> None:
        """Set the layer that predicts foreground at random, too."""
        super().init_weights()
        if self.foreground is not None:
            normal_init(self.foreground, std=0.01)

    def loss(
        self,
        x: tuple[Tensor, ...],
        rpn_results_list: InstanceList,
        batch_data_samples: list[DetDataSample],
    ) -> dict[str, Tensor]:
        """Losses of the box head and, if there is one, the semantic branch.

        Args:
            x: Features of the images, shape (N, C, H, W); with a semantic
                branch two levels.
            rpn_results_list: Proposals of each image.
            batch_data_samples: Of each image, with its objects.

        Returns:
            As of ``StandardRoIHead``; with a semantic branch also
            ``loss_foreground``.
        """
        losses = super().loss(x, rpn_results_list, batch_data_samples)
        if self.foreground is not None:
            objects = [
                get_box_tensor(sample.gt_instances.bboxes)
                for sample in batch_data_samples
            ]
            shapes = [sample.img_shape for sample in batch_data_samples]
            stride = self.bbox_roi_extractor.featmap_strides[0]
            losses['loss_foreground'] = foreground_loss(
                self.foreground(x[1]), objects, shapes, stride
            )
        return losses


def foreground_loss(
    logits: Tensor,
    objects: Sequence[Tensor],
    img_shapes: Sequence[tuple[int, ...]],
    stride: int,
) -> Tensor:
    """Cross-entropy of foreground, boxes being weak masks.

    A cell is foreground where its centre lies in an object's box. Cells whose
    centre lies outside of the image are left out.

    Args:
        logits: Of foreground, shape (N, 1, H, W).
        objects: Of each image, xyxy in pixels, shape (G, 4).
        img_shapes: Height and width of each image, pixels.
        stride: Pixels per cell.

    Returns:
        The mean over the cells of all images, a scalar.
    """
    height, width = logits.shape[2:]
    y = (torch.arange(height, device=logits.device) + 0.5) * stride
    x = (torch.arange(width, device=logits.device) + 0.5) * stride
    total, count = logits.new_zeros((), dtype=torch.float32), 0
    for logit, boxes, shape in zip(logits, objects, img_shapes, strict=True):
        x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
        in_rows = (y1 <= y) & (y < y2)
        in_columns = (x1 <= x) & (x < x2)
        mask = (in_rows[:, :, None] & in_columns[:, None, :]).any(0)
        rows, columns = int((y < shape[0]).sum()), int((x < shape[1]).sum())
        total = total + F.binary_cross_entropy_with_logits(
            logit[0, :rows, :columns].float(),
            mask[:rows, :columns].float(),
            reduction='sum',
        )
        count += rows * columns
    return total / max(count, 1)
