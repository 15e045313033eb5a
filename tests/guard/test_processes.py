"""Two processes save, find and resume the same checkpoint."""

from pathlib import Path

import torch
from torch import Tensor

from tests.guard.test_skip_batches_hook import break_off, losses_of
from tests.guard.torn import tear
from tests.parallel.processes import run_on_each


def test_each_process_goes_on_with_its_own_batches(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ('meet', 'whole', 'parts')]
    meet, whole, parts = folders
    for folder in folders:
        folder.mkdir()

    def work(rank: int) -> list[dict[int, Tensor]]:
        # Nothing joins their weights here: without a rate they stay equal.
        undisturbed = losses_of(whole, 2, lr=0)
        break_off(parts, 3, 2, lr=0)
        torch.distributed.barrier()
        return [undisturbed, losses_of(parts, 2, lr=0, resume=True)]

    results = run_on_each(work, meet)
    for undisturbed, resumed in results:
        assert sorted(resumed) == list(range(3, 9))
        assert all(torch.equal(x, undisturbed[i]) for i, x in resumed.items())
    assert results[0][0][0] != results[1][0][0]


def test_all_skip_a_torn_checkpoint(tmp_path: Path) -> None:
    meet, parts = tmp_path / 'meet', tmp_path / 'parts'
    meet.mkdir()
    parts.mkdir()

    def work(rank: int) -> list[int]:
        break_off(parts, 5, 0, interval=2)
        if rank == 0:
            tear('cut', parts / 'iter_4.pth')
        torch.distributed.barrier()
        return sorted(losses_of(parts, 0, resume=True))

    assert run_on_each(work, meet) == [list(range(2, 9))] * 2
