"""Two-stage detectors of a few thousand weights, and images for them."""

from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from torch import nn

from tests.tiny import spread_weights

CHANNELS = 32
STRIDE = 16
IMAGE = (60, 80)  # height, width


def fast_rcnn(num_classes: int = 3, **bbox_head: Any) -> dict:
    """Config of a Fast R-CNN."""
    return dict(
        type='FastRCNN',
        data_preprocessor=dict(
            type='DetDataPreprocessor',
            mean=[127.0] * 3,
            std=[64.0] * 3,
            bgr_to_rgb=True,
            pad_size_divisor=1,
        ),
        backbone=dict(
            type='ResNet',
            depth=18,
            base_channels=8,
            num_stages=3,
            strides=(1, 2, 2),
            dilations=(1, 1, 1),
            out_indices=(2,),
        ),
        roi_head=dict(
            type='StandardRoIHead',
            bbox_roi_extractor=dict(
                # Not RoI pooling, which gives many RoIs exactly one score.
                type='SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=3),
                out_channels=CHANNELS,
                featmap_strides=[STRIDE],
            ),
            bbox_head=dict(
                type='Shared2FCBBoxHead',
                in_channels=CHANNELS,
                fc_out_channels=16,
                roi_feat_size=3,
                num_classes=num_classes,
                **bbox_head,
            ),
        ),
        train_cfg=None,
        test_cfg=dict(
            rcnn=dict(
                score_thr=0.05,
                nms=dict(type='nms', iou_threshold=0.3),
                max_per_img=50,
            )
        ),
    )


def faster_rcnn(num_classes: int = 3) -> dict:
    """Config of a Faster R-CNN."""
    model = fast_rcnn(num_classes)
    model.update(
        type='FasterRCNN',
        rpn_head=dict(
            type='RPNHead',
            in_channels=CHANNELS,
            feat_channels=8,
            anchor_generator=dict(
                type='AnchorGenerator',
                scales=[1, 2],
                ratios=[1.0],
                strides=[STRIDE],
            ),
            bbox_coder=dict(type='DeltaXYWHBBoxCoder'),
        ),
    )
    model['test_cfg']['rpn'] = dict(
        nms_pre=100,
        max_per_img=40,
        nms=dict(type='nms', iou_threshold=0.7),
        min_bbox_size=0,
    )
    return model


def build(config: dict, spread: bool = True) -> Any:
    """The detector, ready for inference, detections not all alike."""
    model = MODELS.build(ConfigDict(config))
    if spread:
        spread_weights(model.roi_head.bbox_head, std=0.5)
    return model.eval()


def perfect(model: Any) -> Any:
    """Let a detector report each proposal as it is, as class 0."""
    head = model.roi_head.bbox_head
    for layer in (head.fc_cls, head.fc_reg):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        head.fc_cls.bias[0] = 5
    return model


def noise(height: int = IMAGE[0], width: int = IMAGE[1]) -> np.ndarray:
    """(H, W, 3) uint8, without symmetry, in blocks that resizing keeps."""
    rng = np.random.default_rng(3)
    cells = rng.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    return np.kron(cells, np.ones((4, 4, 1), np.uint8))


def proposals(
    num: int = 25, height: int = IMAGE[0], width: int = IMAGE[1]
) -> np.ndarray:
    """Edges at whole pixels inside the image, shape (num, 4)."""
    rng = np.random.default_rng(4)
    first = rng.integers(0, [width - 30, height - 30], (num, 2))
    size = rng.integers(8, 30, (num, 2))
    return np.concatenate([first, first + size], 1).astype(np.float32)
