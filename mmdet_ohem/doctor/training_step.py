"""One training step on one image: forward, loss, backward."""

import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.finding import Finding, error, ok, warning
from mmdet_ohem.doctor.machine import GIB
from mmdet_ohem.host.log_capture import captured_warnings

_WHAT = 'training step'


def take_step(
    config: Config, sample: Any, device: str | None = None
) -> Iterator[Finding]:
    """Train on one image in memory; nothing is written.

    In float32, whatever the config's ``optim_wrapper`` says, and without the
    optimizer's own step.

    Args:
        config: A whole config.
        sample: An image of its training dataset, after the pipeline.
        device: Such as ``'cpu'``; None: a GPU if there is one.

    Yields:
        A line about loss and gradients, and warnings that were logged.
    """
    device = device or get_device()
    with captured_warnings() as messages:
        model: Any = revert_sync_batchnorm(
            MODELS.build(config.copy().model)  # which changes it
        )
        model.init_weights()
        model.to(device).train()
        if device.startswith('cuda'):
            torch.cuda.reset_peak_memory_stats()
        start = time.monotonic()
        data = model.data_preprocessor(pseudo_collate([sample]), True)
        loss, parts = model.parse_losses(model(**data, mode='loss'))
        loss.backward()
        value = loss.item()  # waits for the GPU
        seconds = time.monotonic() - start
    yield from (warning(_WHAT, x) for x in messages)
    yield _judge(value, parts, model, seconds, device)


def _judge(
    loss: float,
    parts: dict[str, Tensor],
    model: nn.Module,
    seconds: float,
    device: str,
) -> Finding:
    """Whether loss and gradients are finite."""
    shown = ', '.join(f'{k} {float(x.detach()):.3g}' for k, x in parts.items())
    if not torch.isfinite(torch.tensor(loss)):
        return error(
            _WHAT,
            f'the loss is not finite: {shown}. Remedy: look at the weights '
            'it starts from, target_stds and the annotations',
        )
    bad = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is not None and not torch.isfinite(weight.grad).all()
    ]
    if bad:
        return error(
            _WHAT,
            f'loss {loss:.4g}, but the gradients of '
            f'{Count(len(bad)):weight} are not finite, the first is '
            f'{bad[0]}. Remedy: look at the weights it starts from',
        )
    return ok(
        _WHAT,
        f'one image: {shown}; gradients are finite; {seconds:.1f} s, peak '
        f'memory {_peak_memory(device) / GIB:.2f} GiB on {device}',
    )


def _peak_memory(device: str) -> int:
    """Bytes: of tensors on a GPU, of the whole process on a CPU."""
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts KiB, macOS bytes.
    return peak if sys.platform == 'darwin' else peak * 1024
