"""Mixed precision, accumulation, checkpointing and EMA."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.hooks import EMAHook
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor

from tests.parallel.detectors import backward, batch, detector, gradients

# One level, and pooling that has bfloat16 on CPU.
POOLING = dict(
    type='mmdet_ohem.RoIPoolExtractor',
    output_size=7,
    out_channels=32,
    featmap_stride=4,
)


def resnet(with_cp: bool) -> dict[str, Any]:
    """Changes of the config for a backbone with gradient checkpointing."""
    backbone = dict(
        type='ResNet',
        depth=18,
        base_channels=8,
        norm_eval=True,
        with_cp=with_cp,
    )
    return dict(backbone=backbone, neck__in_channels=[8, 16, 32, 64])


def mined(model: Any) -> Tensor:
    """Indices of the RoIs of the last image that were mined."""
    return model.roi_head.bbox_sampler.last_record.hard


def optimizer(model: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), 0.01)


@pytest.mark.gpu
def test_float16_with_loss_scaling_trains() -> None:
    if not torch.cuda.is_available():
        pytest.skip('no CUDA device: AmpOptimWrapper runs on GPUs')
    model = detector().cuda()
    before = {k: v.clone() for k, v in model.named_parameters()}
    wrapper = AmpOptimWrapper('dynamic', 'float16', optimizer=optimizer(model))
    # The scale starts at 65536 and halves until nothing overflows.
    for _ in range(20):
        losses = model.train_step(batch(20), wrapper)
    assert all(value.isfinite().all() for value in losses.values())
    head = 'roi_head.bbox_head.fc_cls.weight'
    assert (dict(model.named_parameters())[head] != before[head]).any()


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_amp_optim_wrapper_refuses_a_cpu() -> None:
    with pytest.raises(AssertionError, match='only available training'):
        AmpOptimWrapper(optimizer=optimizer(detector()))


def test_bfloat16_on_cpu_trains_all_weights() -> None:
    model = detector(roi_head__bbox_roi_extractor=POOLING)
    with torch.autocast('cpu', torch.bfloat16):
        backward(model, batch(20))
    for param in model.roi_head.bbox_head.parameters():
        assert param.grad.isfinite().all()
        assert param.grad.any()


def test_roi_align_has_no_bfloat16_on_cpu() -> None:
    # Why the table says that this needs another RoI extractor; should mmcv
    # learn it, this fails and the table has a row less.
    with (
        torch.autocast('cpu', torch.bfloat16),
        pytest.raises(NotImplementedError, match='ROIAlign_forward'),
    ):
        backward(detector(), batch(20))


def test_two_accumulated_half_batches_are_one_batch() -> None:
    together, halves = detector(), detector()
    whole = OptimWrapper(optimizer(together))
    together.train_step(batch(40), whole)
    accumulating = OptimWrapper(optimizer(halves), accumulative_counts=2)
    data = batch(40)
    for i in range(2):
        half = {key: value[i : i + 1] for key, value in data.items()}
        halves.train_step(half, accumulating)
    torch.testing.assert_close(halves.state_dict(), together.state_dict())


def test_gradient_checkpointing_changes_nothing() -> None:
    plain = detector(**resnet(with_cp=False))
    checkpointed = detector(**resnet(with_cp=True))
    for model in (plain, checkpointed):
        backward(model, batch(40))
    assert torch.equal(mined(checkpointed), mined(plain))
    torch.testing.assert_close(gradients(checkpointed), gradients(plain))


def test_ema_model_mines_with_its_own_head() -> None:
    model = detector()
    backward(model, batch(20))
    hook = EMAHook()
    hook.before_run(SimpleNamespace(model=model))
    copied = hook.ema_model.module
    assert copied.roi_head is not model.roi_head
    head = copied.roi_head.bbox_sampler.readonly_head
    assert head.roi_head is copied.roi_head
    assert head.bbox_head is copied.roi_head.bbox_head
    data = copied.data_preprocessor(batch(20), True)
    copied(**data, mode='loss')
    assert torch.equal(mined(copied), mined(model))


def test_the_sampler_adds_nothing_to_checkpoints() -> None:
    stock = detector(
        train_cfg__rcnn__sampler=dict(
            type='RandomSampler', num=16, pos_fraction=0.25
        )
    )
    model = detector()
    backward(model, batch(20))
    assert model.state_dict().keys() == stock.state_dict().keys()
