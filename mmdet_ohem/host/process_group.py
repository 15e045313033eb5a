"""One process, or several that share the work.

Relies on mmengine 0.10.7: its ``init_dist`` sets a CUDA device, so that it
cannot be called where there is none; its runner calls it only where no group
is initialised yet, and gives ``MMDistributedDataParallel`` the GPU of the
process unless the config has ``device_ids``.
"""

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import init_dist
from mmengine.utils.dl_utils import set_multi_processing

LAUNCHERS = ('none', 'pytorch', 'slurm')
_DDP = 'MMDistributedDataParallel'


@contextmanager
def process_group(launcher: str) -> Iterator[str]:
    """Be one of the processes of a distributed job inside, if this is one.

    Args:
        launcher: 'none', 'pytorch' (torchrun) or 'slurm' (srun).

    Yields:
        The device of this process: 'cuda', which is its own GPU, or 'cpu'.

    Raises:
        ValueError: 'slurm' on machines without a GPU.
    """
    set_multi_processing()
    if launcher != 'none' and has_gpu():
        init_dist(launcher, backend='nccl')
    elif launcher != 'none':
        join_without_gpu(launcher)
    try:
        yield 'cuda' if has_gpu() else 'cpu'
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def has_gpu() -> bool:
    """Whether this process can use a GPU."""
    return torch.cuda.is_available()


def join_without_gpu(launcher: str, timeout: float | None = None) -> None:
    """Join the other processes of a job on CPUs, by gloo.

    Args:
        launcher: What started the processes.
        timeout: Seconds after which a process gives up waiting for another;
            None is torch's default.

    Raises:
        ValueError: Not 'pytorch', or this is not a process of a job.
    """
    if launcher != 'pytorch':
        raise ValueError(
            f'launcher {launcher!r} needs a GPU. Remedy: on CPUs start the '
            "processes by torchrun, and give launcher 'pytorch'"
        )
    if torch.distributed.is_initialized():
        return
    if 'RANK' not in os.environ:
        raise ValueError(
            "launcher 'pytorch' without RANK in the environment: this is not "
            'one of several processes. Remedy: mim train ... --launcher '
            'pytorch --gpus 2, or torchrun --nproc-per-node 2 ..., start two; '
            "launcher 'none' is for a single process"
        )
    wait = None if timeout is None else datetime.timedelta(seconds=timeout)
    torch.distributed.init_process_group('gloo', timeout=wait)


def ddp_without_gpu(
    wrapper: dict | None, find_unused_parameters: bool
) -> dict[str, Any]:
    """A config of what wraps the model, for CPUs.

    Args:
        wrapper: ``model_wrapper_cfg``; None is mmengine's default.
        find_unused_parameters: As in the config.

    Returns:
        ``wrapper`` without a GPU for ``DistributedDataParallel``.
    """
    found: dict[str, Any] = dict(
        wrapper
        or dict(
            broadcast_buffers=False,
            find_unused_parameters=find_unused_parameters,
        )
    )
    if found.setdefault('type', _DDP) == _DDP:
        found['device_ids'] = None
    return found
