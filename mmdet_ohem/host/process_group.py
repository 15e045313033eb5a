"""One process, or several that share the work.

Relies on ``init_dist`` of mmengine 0.10.7 setting a CUDA device, so that it
cannot be called where there is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.dist import init_dist
from mmengine.utils.dl_utils import set_multi_processing

LAUNCHERS = ('none', 'pytorch', 'slurm')


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
    has_gpu = torch.cuda.is_available()
    set_multi_processing()
    if launcher != 'none' and has_gpu:
        init_dist(launcher, backend='nccl')
    elif launcher == 'pytorch':
        # mmengine's init_dist sets a CUDA device.
        torch.distributed.init_process_group('gloo')
    elif launcher != 'none':
        raise ValueError(
            f'launcher {launcher!r} needs a GPU. Remedy: on CPUs start the '
            "processes by torchrun, and give launcher 'pytorch'"
        )
    try:
        yield 'cuda' if has_gpu else 'cpu'
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
