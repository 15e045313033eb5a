"""A training that was broken off goes on as if nothing had happened."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from mmdet_ohem.runs.random_state_hook import (
    get_random_states,
    set_random_states,
)

OUR_HOOK = dict(type='mmdet_ohem.RandomStateHook')


class Noisy(Dataset):
    """Items that are augmented at random."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return dict(inputs=torch.full((4,), index + np.random.rand()))


class Dropping(BaseModel):
    """Draws from torch and Python, as dropout and samplers do."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, inputs: Tensor, mode: str = 'tensor') -> Any:
        out = nn.functional.dropout(self.layer(inputs), training=self.training)
        if mode == 'loss':
            return dict(loss=(out * random.random()).square().mean())
        return [dict(out=out)]


class Nothing(BaseMetric):
    """Validation must not be without a metric."""

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results.append(0)

    def compute_metrics(self, results: list) -> dict[str, float]:
        return dict(count=len(results))


class BrokenOffError(Exception):
    """What a kill is to a test."""


class BreakOff(Hook):
    """Ends the training in the middle, between two checkpoints."""

    priority = 'LOWEST'

    def after_train_iter(self, runner: Runner, *args: Any, **kw: Any) -> None:
        if runner.iter + 1 == 3:
            raise BrokenOffError


def runner_of(
    work_dir: Path,
    num_workers: int = 0,
    val_interval: int = 2,
    resume: bool = False,
    hooks: tuple[dict, ...] = (OUR_HOOK,),
) -> Runner:
    """Five iterations; a checkpoint after two."""
    torch.manual_seed(0)
    loader = dict(
        batch_size=2,
        num_workers=num_workers,
        collate_fn=dict(type='default_collate'),
    )
    return Runner(
        model=Dropping(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=Noisy(), sampler=dict(type='InfiniteSampler'), **loader
        ),
        val_dataloader=dict(
            dataset=Noisy(), sampler=dict(type='DefaultSampler'), **loader
        ),
        val_evaluator=[Nothing()],
        train_cfg=dict(
            type='IterBasedTrainLoop', max_iters=5, val_interval=val_interval
        ),
        val_cfg=dict(type='ValLoop'),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2)
        ),
        custom_hooks=list(hooks),
        default_scope='mmdet',
        randomness=dict(seed=0),
        resume=resume,
        log_level='ERROR',
        # Two runners of one name would share their log.
        experiment_name=f'{work_dir}{resume}',
    )


def train(work_dir: Path, **kwargs: Any) -> dict[str, Tensor]:
    runner = runner_of(work_dir, **kwargs)
    runner.train()
    assert runner.iter == 5
    return runner.model.state_dict()


def break_off(work_dir: Path, **kwargs: Any) -> None:
    runner = runner_of(work_dir, **kwargs)
    runner.register_hook(BreakOff())
    with pytest.raises(BrokenOffError):
        runner.train()
    # Another process has other random states.
    random.seed(7)
    np.random.seed(7)
    torch.manual_seed(7)


def differing(first: dict[str, Tensor], second: dict[str, Tensor]) -> set[str]:
    return {k for k in first if not torch.equal(first[k], second[k])}


@pytest.mark.parametrize('num_workers', [0, 2])
def test_resumed_weights_are_those_of_an_undisturbed_training(
    num_workers: int, tmp_path: Path
) -> None:
    whole = train(tmp_path / 'whole', num_workers=num_workers)
    parts = tmp_path / 'parts'
    break_off(parts, num_workers=num_workers)
    resumed = train(parts, num_workers=num_workers, resume=True)
    assert differing(whole, resumed) == set()


def test_without_the_hook_they_are_others(tmp_path: Path) -> None:
    whole = train(tmp_path / 'whole', hooks=())
    break_off(tmp_path / 'parts', hooks=())
    resumed = train(tmp_path / 'parts', hooks=(), resume=True)
    assert differing(whole, resumed)


def test_a_checkpoint_without_states_is_resumed(tmp_path: Path) -> None:
    break_off(tmp_path, hooks=())
    train(tmp_path, resume=True)


def test_validation_leaves_the_training_as_it_was(tmp_path: Path) -> None:
    whole = train(tmp_path / 'whole')
    more = train(tmp_path / 'more', val_interval=1)
    assert differing(whole, more) == set()


def test_states_survive_a_protected_load(tmp_path: Path) -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), np.random.randn(), torch.rand(1).item()

    np.random.randn()  # leaves the second of a pair in the state
    torch.save(get_random_states(), tmp_path / 'states.pth')
    expected = draw()
    set_random_states(torch.load(tmp_path / 'states.pth', weights_only=True))
    assert draw() == expected
