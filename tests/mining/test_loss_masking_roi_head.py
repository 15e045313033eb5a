"""Masking losses and training on the mined RoIs alone are the same rule."""

from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from tests.tiny import (
    CHANNELS,
    OHEM,
    extractor,
    features,
    random_image,
    rcnn_train_cfg,
    standard_roi_head,
)

FLOAT32 = dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32')


def loss_masking_roi_head(ohem_head: Any, **kwargs: Any) -> Any:
    """The other option, with the weights and keys of an OHEM head."""
    bbox_head = dict(
        type='Shared2FCBBoxHead',
        in_channels=CHANNELS,
        fc_out_channels=16,
        roi_feat_size=3,
        num_classes=ohem_head.bbox_head.num_classes,
    )
    roi_head = MODELS.build(
        dict(
            type='mmdet_ohem.LossMaskingRoIHead',
            bbox_roi_extractor=extractor(),
            bbox_head=bbox_head,
            train_cfg=rcnn_train_cfg(
                dict(type='mmdet_ohem.AllRoISampler', num=16)
            ),
            **kwargs,
        )
    )
    roi_head.load_state_dict(ohem_head.state_dict())
    return roi_head.train()


def gradients(
    roi_head: Any,
    feats: list[Tensor],
    images: list[tuple[InstanceData, InstanceData]],
) -> dict[str, Tensor]:
    """Gradients of the loss by parameter, and that of the features."""
    feats = [feat.clone().requires_grad_() for feat in feats]
    samples = [
        DetDataSample(
            gt_instances=gt,
            ignored_instances=InstanceData(
                bboxes=torch.empty(0, 4),
                labels=torch.empty(0, dtype=torch.long),
            ),
        )
        for gt, _ in images
    ]
    proposals = [InstanceData(bboxes=x.priors.clone()) for _, x in images]
    losses = roi_head.loss(feats, proposals, samples)
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    found = {k: v.grad for k, v in roi_head.named_parameters()}
    assert feats[0].grad is not None
    return found | {'feats': feats[0].grad}


@pytest.mark.parametrize('nms_iou_thr', [0.7, None])
@pytest.mark.parametrize('num_gts', [(3, 2), (0, 3), (0, 0)])
def test_gradients_equal_those_of_ohem(
    num_gts: tuple[int, ...], nms_iou_thr: float | None
) -> None:
    ohem = standard_roi_head(
        OHEM | dict(readonly_head=FLOAT32, nms_iou_thr=nms_iou_thr)
    )
    masking = loss_masking_roi_head(ohem, nms_iou_thr=nms_iou_thr)
    images = [random_image(num, 70) for num in num_gts]
    feats = [torch.cat([features()[0] for _ in images])]
    expected = gradients(ohem, feats, images)
    found = gradients(masking, feats, images)
    assert expected.keys() == found.keys()
    for name, grad in expected.items():
        torch.testing.assert_close(found[name], grad, msg=name)
    assert expected['feats'].abs().sum() > 0


def test_it_selects_fewer_than_all() -> None:
    ohem = standard_roi_head(OHEM | dict(readonly_head=FLOAT32))
    masking = loss_masking_roi_head(ohem)
    all_of_them = loss_masking_roi_head(ohem, nms_iou_thr=None)
    all_of_them.bbox_sampler.num = 9999
    images, feats = [random_image(3, 70)], features()
    some = gradients(masking, feats, images)
    everything = gradients(all_of_them, feats, images)
    assert not torch.allclose(some['feats'], everything['feats'])


def test_a_mask_head_is_refused() -> None:
    with pytest.raises(TypeError, match=r'no place for a mask head.*Use'):
        MODELS.build(
            dict(
                type='mmdet_ohem.LossMaskingRoIHead',
                mask_roi_extractor=extractor(),
                mask_head=dict(type='FCNMaskHead', in_channels=CHANNELS),
            )
        )
