"""Killed at any moment, the same command goes on to the same result."""

import random
import shutil
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.faults.jobs import (
    ITERS,
    JOBS,
    Job,
    train,
    train_keeping_one,
    trained,
)
from tests.faults.processes import Child, complete

#: Kills in `make test`, and as many more as `make test-all` adds.
FAST = {
    'training': 3,
    'proposals': 3,
    'analysis': 1,
    'row of a table': 2,
}
SLOW = {
    'training': 12,
    'proposals': 10,
    'proposals, 2 workers': 8,
    'analysis': 8,
    'row of a table': 8,
}
#: Bytes after which the process is killed that writes a checkpoint.
CUTS = (0.01, 0.5, 0.99)


def moments(numbers: dict[str, int], seed: int) -> list[Any]:
    """Parts of the time that a job takes."""
    found = []
    for name, number in numbers.items():
        draw = random.Random(f'{seed} {name}')
        for _ in range(number):
            part = draw.uniform(0.02, 1)
            found.append(pytest.param(name, part, id=f'{name} at {part:.2f}'))
    return found


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Prepared data, the result and the time of a job, made once."""
    made: dict[str, Any] = {}

    def make(name: str) -> Any:
        if name not in made:
            job: Job = JOBS[name]
            data = tmp_path_factory.mktemp('data')
            job.prepare(data)
            folder = data / 'whole'
            begin = time.monotonic()
            complete(partial(job.run, data, folder), data / 'log')
            seconds = time.monotonic() - begin
            made[name] = data, job.result(data, folder), seconds
        return made[name]

    return make


def same(first: Any, second: Any) -> bool:
    """Whether nested values are equal, tensors to the last bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            same(value, second[key]) for key, value in first.items()
        )
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def kill_and_go_on(
    name: str, part: float, undisturbed: Any, folder: Path
) -> None:
    data, expected, seconds = undisturbed(name)
    job, log = JOBS[name], folder.with_suffix('.log')
    work = partial(job.run, data, folder)
    child = Child(work, log)
    if child.wait(part * seconds) is None:
        child.kill()
    assert child.leaves_nobody(), 'its own processes stay'
    complete(work, log)
    assert same(job.result(data, folder), expected)


@pytest.mark.parametrize(('name', 'part'), moments(FAST, 0))
def test_goes_on(
    name: str, part: float, undisturbed: Any, tmp_path: Path
) -> None:
    kill_and_go_on(name, part, undisturbed, tmp_path / 'run')


@pytest.mark.slow
@pytest.mark.parametrize(('name', 'part'), moments(SLOW, 1))
def test_goes_on_at_many_moments(
    name: str, part: float, undisturbed: Any, tmp_path: Path
) -> None:
    kill_and_go_on(name, part, undisturbed, tmp_path / 'run')


@pytest.mark.slow
def test_goes_on_after_many_kills_of_one_training(
    undisturbed: Any, tmp_path: Path
) -> None:
    data, expected, seconds = undisturbed('training')
    work = partial(train, data, tmp_path / 'run')
    draw = random.Random(2)
    for _ in range(6):
        child = Child(work, tmp_path / 'log')
        if child.wait(draw.uniform(0.3, 0.9) * seconds) is None:
            child.kill()
    complete(work, tmp_path / 'log')
    assert same(trained(data, tmp_path / 'run'), expected)


def forget_the_end(folder: Path) -> None:
    """A training as it was when its first checkpoint had been written."""
    first, *others = sorted(folder.glob('iter_*.pth'))
    for path in others:
        path.unlink()
    (folder / 'last_checkpoint').write_text(str(first))


def kill_while_saving(work: Any, log: Path, size: float) -> None:
    """It is killed when a file reaches this size, as a checkpoint does."""
    child = Child(work, log, largest_file=int(size), full_disk='kill')
    assert child.end() == -signal.SIGXFSZ, child.printed()


def kill_and_resume(work: Any, whole: Path, folder: Path, part: float) -> None:
    """Killed after this part of its next checkpoint, it goes on to the end."""
    shutil.copytree(whole, folder)
    forget_the_end(folder)
    size = (folder / 'iter_2.pth').stat().st_size
    log = folder.with_name('log')
    kill_while_saving(work, log, part * size)
    complete(work, log)


@pytest.mark.parametrize('part', CUTS)
def test_killed_while_a_checkpoint_is_written(
    part: float, undisturbed: Any, tmp_path: Path
) -> None:
    data, expected, _ = undisturbed('training')
    folder = tmp_path / 'run'
    work = partial(train, data, folder)
    kill_and_resume(work, data / 'whole', folder, part)
    assert same(trained(data, folder), expected)


@pytest.mark.parametrize('part', CUTS)
def test_killed_while_the_only_checkpoint_is_replaced(
    part: float, undisturbed: Any, tmp_path: Path
) -> None:
    data, expected, _ = undisturbed('training')
    folder = tmp_path / 'run'
    work = partial(train_keeping_one, data, folder)
    kill_and_resume(work, data / 'whole', folder, part)
    # The first is of a training that kept all; this one keeps its last.
    found = {x.name for x in folder.glob('iter_*.pth')}
    assert found == {'iter_2.pth', f'iter_{ITERS}.pth'}
    assert same(trained(data, folder), expected)
