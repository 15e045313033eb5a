"""mmdet's own detectors train after a change of ``sampler.type`` alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.hub import get_config
from torch import nn

NUM = 24
DETECTORS = [
    'faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py',
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py',
    'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py',
]


def as_list(value: Any) -> list[Any]:
    return (
        list(value)
        if isinstance(value, list | tuple | nn.ModuleList)
        else [value]
    )


def shrunk(config: str) -> Any:
    """The model of a config: ResNet-18, narrow, fewer RoIs, no download."""
    model = get_config(f'mmdet::{config}').model
    model.backbone.update(depth=18, init_cfg=None)
    model.neck.update(in_channels=[64, 128, 256, 512], out_channels=32)
    model.rpn_head.update(in_channels=32, feat_channels=32)
    for part in ('bbox_roi_extractor', 'mask_roi_extractor'):
        if part in model.roi_head:
            model.roi_head[part].out_channels = 32
    for head in as_list(model.roi_head.bbox_head):
        head.update(in_channels=32, fc_out_channels=64)
    if 'mask_head' in model.roi_head:
        model.roi_head.mask_head.update(in_channels=32, conv_out_channels=32)
    model.train_cfg.rpn_proposal.max_per_img = 200
    for stage in as_list(model.train_cfg.rcnn):
        stage.sampler.num = NUM
    return model


def count_sampled(roi_head: Any) -> list[int]:
    """Number of RoIs of each image and stage, filled in by training."""
    counts: list[int] = []

    def listen(sample: Callable) -> Callable:
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = sample(*args, **kwargs)
            counts.append(len(result.pos_inds) + len(result.neg_inds))
            return result

        return counted

    for sampler in as_list(roi_head.bbox_sampler):
        sampler.sample = listen(sampler.sample)
    return counts


@pytest.mark.parametrize('config', DETECTORS)
def test_trains_on_mined_rois(config: str) -> None:
    model_config = shrunk(config)
    for stage in as_list(model_config.train_cfg.rcnn):
        stage.sampler.type = 'mmdet_ohem.OHEMSampler'
    model = MODELS.build(model_config)
    counts = count_sampled(model.roi_head)
    with_mask = 'mask_head' in model_config.roi_head
    inputs = demo_mm_inputs(2, (3, 128, 128), [3, 2], with_mask=with_mask)
    losses = model(**model.data_preprocessor(inputs, True), mode='loss')
    total, values = model.parse_losses(losses)
    total.backward()
    assert all(np.isfinite(value.item()) for value in values.values())
    heads = as_list(model.roi_head.bbox_head)
    assert len(counts) == 2 * len(heads)
    assert all(0 < count <= NUM for count in counts)
    for head in heads:
        assert head.fc_cls.weight.grad.abs().sum() > 0
