"""A small detector with normalisation in its box head, and its batches."""

from typing import Any

import torch
import torch.distributed as dist
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs, demo_mm_proposals
from torch import Tensor, nn

from tests.zoo.families import SERVED
from tests.zoo.models import lookup, small_model, use_ohem

CHUNK = 16
CONVS = 4


@MODELS.register_module()
class GatheringBatchNorm(nn.BatchNorm2d):
    """Stands in for SyncBN, which trains on GPUs only.

    In training mode it makes a collective call, and counts them.
    """

    num_calls = 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            dist.all_reduce(x.detach().mean((0, 2, 3)))
            GatheringBatchNorm.num_calls += 1
        return super().forward(x)


def detector(
    norm: str | None = None,
    chunk_size: int | None = CHUNK,
    **changes: Any,
) -> Any:
    """A Fast R-CNN with OHEM, in training mode; always the same weights.

    Args:
        norm: Of the box head.
        chunk_size: Of the read-only pass.
        **changes: What else to overwrite in the model's config, with
            ``__`` for the dots.
    """
    (family,) = (x for x in SERVED if x.name == 'Fast R-CNN')
    model = use_ohem(small_model(family))
    model.roi_head.bbox_head.update(
        type='Shared4Conv1FCBBoxHead',
        conv_out_channels=16,
        norm_cfg=dict(type=norm) if norm else None,
    )
    model.train_cfg.rcnn.sampler.readonly_head = dict(
        type='mmdet_ohem.ReadOnlyBBoxHead',
        chunk_size=chunk_size,
        dtype='float32',
    )
    for name, value in changes.items():
        parent, _, key = name.replace('__', '.').rpartition('.')
        (lookup(model, parent) if parent else model)[key] = value
    torch.manual_seed(0)
    return MODELS.build(model).train()


def batch(num_proposals: int, num_images: int = 2) -> dict[str, Any]:
    """Random images with so many proposals each."""
    shape = (3, 128, 128)
    data = demo_mm_inputs(num_images, shape, num_items=[2] * num_images)
    proposals = demo_mm_proposals([shape] * num_images, num_proposals)
    for sample, found in zip(data['data_samples'], proposals, strict=True):
        sample.proposals = found
    return data


def backward(model: Any, data: dict[str, Any], detector: Any = None) -> None:
    """Gradients of the loss; ``detector`` is what a wrapper wraps."""
    detector = detector or model
    losses = model(**detector.data_preprocessor(data, True), mode='loss')
    detector.parse_losses(losses)[0].backward()


def gradients(model: Any) -> dict[str, Tensor]:
    return {
        name: param.grad.clone()
        for name, param in model.named_parameters()
        if param.grad is not None
    }
