"""Processes on CPU, joined by gloo, in the place of GPUs."""

import datetime
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from mmengine.registry import DefaultScope

WORLD_SIZE = 2
#: A collective call that one process alone makes fails after this long.
PATIENCE = datetime.timedelta(seconds=60)


def run_on_each(
    work: Callable[[int], Any], folder: Path, world_size: int = WORLD_SIZE
) -> list[Any]:
    """Call ``work(rank)`` in each of two or more processes.

    They are forked, which saves the imports of a fresh process.

    Args:
        work: Returns tensors and numbers, in dictionaries and lists.
        folder: An empty one, where the processes meet.
        world_size: Number of processes.

    Returns:
        What it returned, by rank.
    """
    context = multiprocessing.get_context('fork')
    processes = [
        context.Process(target=_run, args=(work, rank, folder, world_size))
        for rank in range(world_size)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(2 * PATIENCE.total_seconds())
        if process.is_alive():
            process.kill()
    codes = [process.exitcode for process in processes]
    assert codes == [0] * world_size, f'exit codes {codes}'
    return [
        torch.load(folder / f'{rank}.pth', weights_only=True)
        for rank in range(world_size)
    ]


def _run(
    work: Callable[[int], Any], rank: int, folder: Path, world_size: int
) -> None:
    # A forked process cannot start OpenMP threads again.
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/meet',
        rank=rank,
        world_size=world_size,
        timeout=PATIENCE,
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        torch.save(work(rank), folder / f'{rank}.pth')
    dist.destroy_process_group()
