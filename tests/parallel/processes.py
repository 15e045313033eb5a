"""Two processes on CPU, joined by gloo, in the place of two GPUs."""

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


def run_on_each(work: Callable[[int], Any], folder: Path) -> list[Any]:
    """Call ``work(rank)`` in each of two processes.

    They are forked, which saves the imports of a fresh process.

    Args:
        work: Returns tensors and numbers, in dictionaries and lists.
        folder: An empty one, where the processes meet.

    Returns:
        What it returned, by rank.
    """
    context = multiprocessing.get_context('fork')
    processes = [
        context.Process(target=_run, args=(work, rank, folder))
        for rank in range(WORLD_SIZE)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(2 * PATIENCE.total_seconds())
        if process.is_alive():
            process.kill()
    codes = [process.exitcode for process in processes]
    assert codes == [0] * WORLD_SIZE, f'exit codes {codes}'
    return [
        torch.load(folder / f'{rank}.pth', weights_only=True)
        for rank in range(WORLD_SIZE)
    ]


def _run(work: Callable[[int], Any], rank: int, folder: Path) -> None:
    # A forked process cannot start OpenMP threads again.
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/meet',
        rank=rank,
        world_size=WORLD_SIZE,
        timeout=PATIENCE,
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        torch.save(work(rank), folder / f'{rank}.pth')
    dist.destroy_process_group()
