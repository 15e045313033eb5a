"""Whether memory and disk suffice for a config, roughly.

The numbers are lower limits: they know weights and checkpoints, and nothing
of activations, data and logs.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.finding import Finding, error, ok, warning
from mmdet_ohem.doctor.machine import GIB, available_memory, free_disk

_BYTES = 4  # of a float32
# Tensors that the optimizer keeps for each weight.
_STATES = {'SGD': 1, 'Adam': 2, 'AdamW': 2}


def check_resources(config: Config, work_dir: Path) -> Iterator[Finding]:
    """Compare memory and disk with what weights and checkpoints take.

    Args:
        config: A whole config.
        work_dir: For the checkpoints; it need not exist.

    Yields:
        A line about the memory and one about the disk.
    """
    num_weights, num_trained = count_weights(config)
    states = optimizer_states(config)
    # Weights, gradients, what the optimizer keeps.
    memory = _BYTES * (num_weights + num_trained * (1 + states))
    free = available_memory()
    where = 'memory'
    if torch.cuda.is_available():
        free, where = torch.cuda.mem_get_info()[0], 'GPU memory'
    text = (
        f'{num_weights / 1e6:.1f} million weights: at least '
        f'{memory / GIB:.2f} GiB, and the activations'
    )
    if free is not None and free < memory:
        yield error(
            where,
            f'{text}; {free / GIB:.2f} GiB are free. Remedy: end other '
            'processes, or take another machine',
        )
    else:
        yield ok(where, text)
    size = _BYTES * (num_weights + num_trained * states)
    kept = num_checkpoints(config)
    if kept is not None:
        yield check_disk(work_dir, size, kept)


def check_disk(work_dir: Path, size: int, kept: int) -> Finding:
    """Compare the disk with the checkpoints of a training.

    Args:
        work_dir: Where they go; it need not exist.
        size: Of a checkpoint, bytes.
        kept: How many are kept at the same time.

    Returns:
        An error where they do not fit, a warning where little more does.
    """
    needed, free = size * kept, free_disk(work_dir)
    text = (
        f'{Count(kept):checkpoint} of {size / GIB:.2f} GiB '
        f'{Count(kept):is|are} kept, about '
        f'{needed / GIB:.2f} GiB; {free / GIB:.1f} GiB are free at {work_dir}'
    )
    remedy = (
        'Remedy: another --work-dir, default_hooks.checkpoint.max_keep_ckpts, '
        'or a greater interval'
    )
    if free < needed:
        return error('disk', f'{text}. {remedy}')
    if free < 1.5 * needed:
        return warning('disk', f'{text}, which is little more. {remedy}')
    return ok('disk', text)


def count_weights(config: Config) -> tuple[int, int]:
    """Count the weights of a model, if possible without making them.

    Args:
        config: A whole config.

    Returns:
        How many there are, buffers among them, and how many are trained.
    """
    try:
        with torch.device('meta'):
            model = MODELS.build(config.copy().model)  # which changes it
    except (NotImplementedError, RuntimeError):
        # Some modules look at numbers while they are made.
        model = MODELS.build(config.copy().model)
    trained = sum(x.numel() for x in model.parameters() if x.requires_grad)
    every = sum(x.numel() for x in model.parameters())
    return every + sum(x.numel() for x in model.buffers()), trained


def optimizer_states(config: Config) -> int:
    """How many tensors the optimizer keeps for each weight, about."""
    wrapper = config.get('optim_wrapper') or {}
    kind = str((wrapper.get('optimizer') or {}).get('type'))
    return _STATES.get(kind, 2)


def num_checkpoints(config: Config) -> int | None:
    """How many checkpoints are on the disk at the same time, at most.

    Args:
        config: A whole config.

    Returns:
        All that are written where all are kept, else one more than are kept;
        None where the config does not say it.
    """
    hook: Any = (config.get('default_hooks') or {}).get('checkpoint') or {}
    loop = config.get('train_cfg') or {}
    total = loop.get('max_iters') if hook.get('by_epoch') is False else None
    if total is None:
        total = loop.get('max_epochs')
    if not hook or not total:
        return None
    written = math.ceil(total / max(1, hook.get('interval', 1)))
    kept = hook.get('max_keep_ckpts', -1)
    # The next one is written before the oldest goes.
    return written if kept < 0 else min(written, kept + 1)
