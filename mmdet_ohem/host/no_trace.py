"""Run a module and leave it as it was found.

Relies on two private names of torch 2.13: ``_DropoutNd``, the base of its
dropouts, and ``Tensor._version``, which counts the writes to a tensor.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

_DROPOUTS = (nn.modules.dropout._DropoutNd,)


@contextmanager
def leaving_no_trace(
    module: nn.Module, device: torch.device, dropout: bool = False
) -> Iterator[None]:
    """Evaluate ``module`` inside; afterwards nothing of it has changed.

    Inside, there is no autograd and every submodule is in evaluation mode, so
    that BatchNorm uses and keeps its running statistics. Afterwards, also
    when the body raised, train/eval flags, buffers (some losses count samples
    in one) and the random state of CPU and ``device`` are as before.

    The flags are set directly, since ``train()`` of mmdet's modules has side
    effects.

    Args:
        module: The module that the body runs.
        device: Where it runs.
        dropout: Leave dropout switched on inside.
    """
    flags = [(m, m.training) for m in module.modules()]
    buffers = [(b, b._version, b.clone()) for b in module.buffers()]
    devices = [device] if device.type == 'cuda' else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            for submodule, _ in flags:
                submodule.training = dropout and isinstance(
                    submodule, _DROPOUTS
                )
            yield
    finally:
        for submodule, flag in flags:
            submodule.training = flag
        with torch.no_grad():
            for buffer, version, value in buffers:
                # An untouched buffer may be saved for a backward pass, which
                # would refuse it after an in-place copy.
                if buffer._version != version:
                    buffer.copy_(value)
