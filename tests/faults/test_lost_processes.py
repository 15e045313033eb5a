"""A process that is gone ends the job with a reason; nothing hangs."""

import datetime
import os
import re
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch.utils.data import get_worker_info

from mmdet_ohem.proposals import VOCProposalDataset
from tests.faults.jobs import (
    do_without_texts,
    training_config,
)
from tests.faults.processes import Child
from tests.figure3.runs import write_images
from tests.parallel.detectors import backward, batch, detector


def train_with_dying_worker(data: Path, folder: Path) -> None:
    """A loader worker gets SIGKILL, as from a machine out of memory."""
    do_without_texts()
    read = VOCProposalDataset.prepare_data
    drawn = []

    def prepare(self: Any, index: int) -> Any:
        drawn.append(index)
        if get_worker_info() is not None and len(drawn) > 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, index)

    # This process is the test's own: nothing is put back.
    setattr(VOCProposalDataset, 'prepare_data', prepare)  # noqa: B010
    with DefaultScope.overwrite_default_scope('mmdet'):
        Runner.from_cfg(training_config(data, folder, num_workers=2)).train()


def test_a_killed_loader_worker_ends_the_training(tmp_path: Path) -> None:
    write_images(tmp_path / 'data')
    child = Child(
        partial(train_with_dying_worker, tmp_path, tmp_path / 'run'),
        tmp_path / 'log',
    )
    assert child.end() == 1
    last = child.printed().strip().splitlines()[-1]
    assert re.search(
        r'DataLoader worker .*(is killed|exited unexpectedly)', last
    )
    assert child.leaves_nobody()


def train_until_killed(rank: int, folder: Path, world_size: int) -> None:
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/meet',
        rank=rank,
        world_size=world_size,
        timeout=datetime.timedelta(seconds=20),
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MMDistributedDataParallel(detector(), broadcast_buffers=False)
        for iteration in range(1000):
            if (rank, iteration) == (1, 2):
                os.kill(os.getpid(), signal.SIGKILL)
            backward(model, batch(10, 1), model.module)


@pytest.mark.parametrize(
    'world_size', [2, pytest.param(4, marks=pytest.mark.slow)]
)
def test_a_killed_rank_ends_the_others(
    world_size: int, tmp_path: Path
) -> None:
    ranks = [
        Child(
            partial(train_until_killed, rank, tmp_path, world_size),
            tmp_path / f'{rank}.log',
        )
        for rank in range(world_size)
    ]
    statuses = [rank.end() for rank in ranks]
    assert statuses[1] == -signal.SIGKILL
    assert statuses[:1] + statuses[2:] == [1] * (world_size - 1)
    for rank in ranks[:1] + ranks[2:]:
        assert re.search('Connection|gloo', rank.printed())
