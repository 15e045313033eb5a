"""Small detectors and data for tests; nothing is downloaded."""

from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.models.task_modules.samplers import BaseSampler, SamplingResult
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor, nn

NUM_CLASSES = 4
CHANNELS = 8
STRIDE = 16
IMG_SIZE = 256

OHEM = dict(type='mmdet_ohem.OHEMSampler', num=16)


def rcnn_train_cfg(sampler: dict) -> ConfigDict:
    """``train_cfg.rcnn`` with background down to IoU 0."""
    return ConfigDict(
        assigner=dict(
            type='MaxIoUAssigner',
            pos_iou_thr=0.5,
            neg_iou_thr=0.5,
            min_pos_iou=0.5,
            match_low_quality=False,
            ignore_iof_thr=-1,
        ),
        sampler=sampler,
        pos_weight=-1,
        debug=False,
    )


def extractor() -> dict:
    return dict(
        type='mmdet_ohem.RoIPoolExtractor',
        output_size=3,
        out_channels=CHANNELS,
        featmap_stride=STRIDE,
    )


def standard_roi_head(sampler: dict | None = None, **bbox_head: Any) -> Any:
    """A ``StandardRoIHead`` with a two-layer box head in training mode."""
    head = dict(
        type='Shared2FCBBoxHead',
        in_channels=CHANNELS,
        fc_out_channels=16,
        roi_feat_size=3,
        num_classes=NUM_CLASSES,
    )
    roi_head = MODELS.build(
        dict(
            type='StandardRoIHead',
            bbox_roi_extractor=extractor(),
            bbox_head=head | bbox_head,
            train_cfg=rcnn_train_cfg(sampler or OHEM),
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


def cascade_roi_head(*samplers: dict) -> Any:
    """A ``CascadeRoIHead`` with a stage for each sampler, in training mode."""
    bbox_head = dict(
        type='Shared2FCBBoxHead',
        in_channels=CHANNELS,
        fc_out_channels=16,
        roi_feat_size=3,
        num_classes=NUM_CLASSES,
        reg_class_agnostic=True,
    )
    roi_head = MODELS.build(
        dict(
            type='CascadeRoIHead',
            num_stages=len(samplers),
            stage_loss_weights=[1 / 2**i for i in range(len(samplers))],
            bbox_roi_extractor=extractor(),
            bbox_head=[bbox_head] * len(samplers),
            train_cfg=[rcnn_train_cfg(sampler) for sampler in samplers],
        )
    )
    spread_weights(roi_head)
    return roi_head.train()


def spread_weights(module: nn.Module, std: float = 0.1) -> None:
    """Random weights large enough that losses differ between RoIs."""
    for name, param in module.named_parameters():
        if name.endswith('weight') and param.dim() > 1:
            nn.init.normal_(param, std=std)


def features() -> list[Tensor]:
    """One level of features of one image."""
    cells = IMG_SIZE // STRIDE
    return [torch.randn(1, CHANNELS, cells, cells)]


def random_boxes(num: int) -> Tensor:
    """xyxy boxes with an area, inside the image, shape (num, 4)."""
    corner = torch.rand(num, 2) * (IMG_SIZE - 80)
    return torch.cat([corner, corner + 8 + torch.rand(num, 2) * 64], 1)


def random_image(
    num_gts: int = 3, num_proposals: int = 60
) -> tuple[InstanceData, InstanceData]:
    """Ground truth, and proposals of which some lie on it."""
    gt = InstanceData(
        bboxes=random_boxes(num_gts),
        labels=torch.arange(num_gts) % NUM_CLASSES,
    )
    boxes = random_boxes(num_proposals)
    near = min(num_gts * 4, num_proposals) if num_gts else 0
    if near:
        base = gt.bboxes.repeat(4, 1)[:near]
        boxes[:near] = base + torch.randn(near, 4)
    return gt, InstanceData(priors=boxes)


def assign(proposals: InstanceData, gt: InstanceData) -> AssignResult:
    cfg = dict(rcnn_train_cfg({})['assigner'])
    assigner: MaxIoUAssigner = TASK_UTILS.build(cfg)
    return assigner.assign(proposals, gt)


class TakeAll(BaseSampler):
    """Every RoI, so that a test can score all of them."""

    def __init__(self) -> None:
        super().__init__(num=1, pos_fraction=1)

    def _sample_pos(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        return (assign_result.gt_inds > 0).nonzero().squeeze(1)

    def _sample_neg(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        return (assign_result.gt_inds == 0).nonzero().squeeze(1)


def all_rois(
    num_gts: int = 3, num_proposals: int = 60
) -> tuple[SamplingResult, InstanceData]:
    """All RoIs of a random image with their assignment, and its truth."""
    gt, proposals = random_image(num_gts, num_proposals)
    result = TakeAll().sample(assign(proposals, gt), proposals, gt)
    return result, gt
