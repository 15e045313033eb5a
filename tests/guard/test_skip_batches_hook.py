"""A resumed training reads no image that it was trained on already."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from tests.guard.trainings import BreakOff, BrokenOffError

SKIP = dict(type='mmdet_ohem.SkipBatchesHook')
STATES = dict(type='mmdet_ohem.RandomStateHook')
NUM_ITERS = 9


class Noisy(Dataset):
    """Items that draw from all generators; notes which were read."""

    def __init__(self, notes: Path) -> None:
        self.notes = notes

    def __len__(self) -> int:
        return 7

    def get_data_info(self, index: int) -> dict[str, int]:
        return dict(width=10 + index % 2 * 20, height=20)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        with self.notes.open('a') as file:
            file.write(f'{index}\n')
        noise = random.random() + np.random.randn() + torch.rand(1).item()
        return dict(inputs=torch.full((4,), index + noise))


class Dropping(BaseModel):
    """Draws, too, as dropout and samplers do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, inputs: Tensor, mode: str = 'tensor') -> Any:
        out = nn.functional.dropout(self.layer(inputs))
        return dict(loss=(out * random.random()).square().mean())


class KeepLosses(Hook):
    """All losses, by iteration."""

    def __init__(self) -> None:
        self.losses: dict[int, Tensor] = {}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, *args: Any, **kw: Any
    ) -> None:
        self.losses[batch_idx] = kw['outputs']['loss'].detach()


def runner_of(
    folder: Path,
    num_workers: int,
    hooks: tuple[dict, ...] = (STATES, SKIP),
    resume: bool = False,
    interval: int = 100,
    lr: float = 1e-3,
    **loader: Any,
) -> Runner:
    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    return Runner(
        model=Dropping(),
        work_dir=str(folder),
        train_dataloader=dict(
            batch_size=2,
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            collate_fn=dict(type='default_collate'),
            dataset=Noisy(folder / 'read.txt'),
            sampler=dict(type='InfiniteSampler'),
        )
        | loader,
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=NUM_ITERS),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=lr, momentum=0.9)),
        default_hooks=dict(
            checkpoint=dict(
                type='mmdet_ohem.SafeCheckpointHook',
                by_epoch=False,
                interval=interval,
                save_last=False,
            )
        ),
        custom_hooks=list(hooks),
        default_scope='mmdet',
        randomness=dict(seed=3),
        resume=resume,
        log_level='ERROR',
        experiment_name=f'{folder}{resume}',
    )


def losses_of(folder: Path, *args: Any, **kwargs: Any) -> dict[int, Tensor]:
    runner, keep = runner_of(folder, *args, **kwargs), KeepLosses()
    runner.register_hook(keep)
    runner.train()
    return keep.losses


def break_off(
    folder: Path, iteration: int, num_workers: int, **kwargs: Any
) -> None:
    kwargs = dict(interval=iteration) | kwargs
    runner = runner_of(folder, num_workers, **kwargs)
    runner.register_hook(BreakOff(iteration))
    with pytest.raises(BrokenOffError):
        runner.train()
    # Another process has other random states.
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)


RATIO = dict(batch_sampler=dict(type='AspectRatioBatchSampler'))
# Breaks before each worker had a batch, between two of one worker, and late.
# Workers take seconds to end.
CASES: list[Any] = [
    (0, 4, {}),
    (2, 4, {}),
    pytest.param(2, 1, {}, marks=pytest.mark.slow),
    pytest.param(3, 7, {}, marks=pytest.mark.slow),
    pytest.param(2, 5, RATIO, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(('num_workers', 'iteration', 'loader'), CASES)
def test_losses_are_those_of_an_undisturbed_training(
    num_workers: int, iteration: int, loader: dict, tmp_path: Path
) -> None:
    whole = losses_of(tmp_path / 'whole', num_workers, **loader)
    parts = tmp_path / 'parts'
    break_off(parts, iteration, num_workers, **loader)
    (parts / 'read.txt').unlink()
    resumed = losses_of(parts, num_workers, resume=True, **loader)
    assert sorted(resumed) == list(range(iteration, NUM_ITERS))
    assert all(torch.equal(x, whole[i]) for i, x in resumed.items())
    read = (parts / 'read.txt').read_text().split()
    # Workers read ahead, two batches each, of the old loader and of ours; one
    # more where a worker is told to end while it reads.
    ahead = (2 * 2 + 1) * num_workers
    assert len(read) <= 2 * (NUM_ITERS - iteration + ahead)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_a_training_from_the_start_is_as_without_the_hook(
    num_workers: int, tmp_path: Path
) -> None:
    with_it = losses_of(tmp_path / 'with', num_workers)
    without = losses_of(tmp_path / 'without', num_workers, hooks=(STATES,))
    assert with_it == without


def test_without_workers_only_what_is_left_is_read(tmp_path: Path) -> None:
    break_off(tmp_path, 6, 0)
    (tmp_path / 'read.txt').unlink()
    losses_of(tmp_path, 0, resume=True)
    read = (tmp_path / 'read.txt').read_text().split()
    assert len(read) == 2 * (NUM_ITERS - 6)


def test_a_checkpoint_of_before_is_resumed_as_before(tmp_path: Path) -> None:
    whole = losses_of(tmp_path / 'whole', 2, hooks=(STATES,))
    break_off(tmp_path / 'parts', 4, 2, hooks=(STATES,))
    resumed = losses_of(tmp_path / 'parts', 2, resume=True)
    assert all(torch.equal(x, whole[i]) for i, x in resumed.items())


def test_a_finite_sampler_is_left_to_mmengine(tmp_path: Path) -> None:
    finite = dict(sampler=dict(type='DefaultSampler', shuffle=True))
    whole = losses_of(tmp_path / 'whole', 0, **finite)
    break_off(tmp_path / 'parts', 2, 0, **finite)
    resumed = losses_of(tmp_path / 'parts', 0, resume=True, **finite)
    assert all(torch.equal(x, whole[i]) for i, x in resumed.items())


def test_another_number_of_workers_sees_the_same_images(
    tmp_path: Path,
) -> None:
    losses_of(tmp_path / 'whole', 0)
    expected = (tmp_path / 'whole/read.txt').read_text().split()
    parts = tmp_path / 'parts'
    break_off(parts, 4, 2)
    (parts / 'read.txt').unlink()
    losses_of(parts, 0, resume=True)
    read = (parts / 'read.txt').read_text().split()
    assert read == expected[8:]


def test_states_survive_a_protected_load(tmp_path: Path) -> None:
    break_off(tmp_path, 4, 2)
    file = tmp_path / 'iter_4.pth'
    position = torch.load(file, weights_only=True)['batch_position']
    (mine,) = position
    assert mine['num_workers'] == 2 and sorted(mine['workers']) == [0, 1]
