"""Detectors of mmdet, cut down to what a test can afford."""

from typing import Any

import torch
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.hub import get_config
from mmengine.structures import InstanceData

from tests.tiny import random_boxes, spread_weights

CONFIGS = {
    'fast': 'fast_rcnn/fast-rcnn_r50_fpn_1x_coco.py',
    'faster': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'mask': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
}
# An RPN in stages, heads with two branches, box predictions in two parts.
OTHERS = {
    'cascade_rpn': (
        'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco.py'
    ),
    'double': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py',
    'htc': 'htc/htc_r50_fpn_1x_coco.py',
    'sabl': 'sabl/sabl-cascade-rcnn_r50_fpn_1x_coco.py',
}
NUM_CLASSES = 4
NUM_PROPOSALS = 40


def small_model(name: str) -> Any:
    """The model of a config: ResNet-18, narrow, few RoIs, no download."""
    model = get_config(f'mmdet::{(CONFIGS | OTHERS)[name]}').model
    narrow(model)
    model.backbone.update(depth=18, base_channels=8, init_cfg=None)
    model.neck.update(in_channels=[8, 16, 32, 64])
    heads = model.roi_head.bbox_head
    for head in heads if isinstance(heads, list) else [heads]:
        head.num_classes = NUM_CLASSES
    if 'rpn_head' in model:
        model.train_cfg.rpn_proposal.max_per_img = NUM_PROPOSALS
        # Another number in tests: training's is the one that counts.
        model.test_cfg.rpn.max_per_img = 7
    return model


def narrow(config: Any) -> None:
    """Reduce wide layers to 16 channels."""
    for key, value in config.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                narrow(item)
        if key.endswith('channels') and isinstance(value, int) and value > 99:
            config[key] = 16


def build(model: Any) -> Any:
    """A detector in training mode whose losses differ between RoIs."""
    detector = MODELS.build(model)
    spread_weights(detector.roi_head, std=0.05)
    return detector.train()


def batch_of_one(
    num_gts: int = 3, num_proposals: int = NUM_PROPOSALS
) -> dict[str, Any]:
    """An image of noise, 256 x 256, as a data loader gives it."""
    batch = demo_mm_inputs(
        1, (3, 256, 256), [num_gts], num_classes=NUM_CLASSES, with_mask=False
    )
    (sample,) = batch['data_samples']
    gt = sample.gt_instances
    gt.bboxes = random_boxes(num_gts)
    gt.labels = torch.arange(num_gts) % NUM_CLASSES
    boxes = random_boxes(num_proposals)
    near = min(4 * num_gts, num_proposals)
    if near:
        boxes[:near] = gt.bboxes.repeat(4, 1)[:near] + 3 * torch.randn(near, 4)
    sample.proposals = InstanceData(bboxes=boxes)
    return batch
