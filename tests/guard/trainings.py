"""Trainings of a small detector through mmengine's own Runner."""

from pathlib import Path
from typing import Any

import pytest
from mmengine.hooks import Hook
from mmengine.runner import Runner

from tests.figure3.runs import small_config

OHEM = dict(_delete_=True, type='mmdet_ohem.OHEMSampler', num=8)


class BrokenOffError(Exception):
    """What a kill is to a test."""


class BreakOff(Hook):
    """Ends a training after an iteration."""

    priority = 'LOWEST'

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def after_train_iter(self, runner: Runner, *args: Any, **kw: Any) -> None:
        if runner.iter + 1 == self.iteration:
            raise BrokenOffError


def training_config(root: Path, name: str = 'run', **changes: Any) -> Any:
    """Six iterations with OHEM, a checkpoint after each two.

    Args:
        root: Has ``data``; gets the work dir.
        name: Of the work dir.
        **changes: Of the config, keys with ``__`` for dots.
    """
    config = small_config(root / 'data')
    config.merge_from_dict(
        dict(
            work_dir=str(root / name),
            train_cfg=dict(max_iters=6),
            val_cfg=None,
            val_dataloader=None,
            val_evaluator=None,
            randomness=dict(seed=0),
            log_level='WARNING',
        )
    )
    config.default_hooks.logger.interval = 1
    config.default_hooks.checkpoint.interval = 2
    rcnn = config.model.train_cfg.rcnn
    rcnn.sampler = dict(type='mmdet_ohem.OHEMSampler', num=8)
    rcnn.assigner.neg_iou_thr = 0.5
    dotted = {key.replace('__', '.'): x for key, x in changes.items()}
    config.merge_from_dict(dotted)
    return config


_NUM = iter(range(10**6))


def runner_of(config: Any) -> Runner:
    """A runner with a log of its own."""
    # Of one name there is one in a process, wherever it writes.
    name = f'guard-{next(_NUM)}'
    config.experiment_name = name
    config.visualizer.name = name
    return Runner.from_cfg(config)


def train(config: Any, *hooks: Hook) -> Runner:
    """Train to the end."""
    runner = runner_of(config)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


def break_off(config: Any, iteration: int) -> Runner:
    """Train, and stop after an iteration as if killed."""
    runner = runner_of(config)
    runner.register_hook(BreakOff(iteration))
    with pytest.raises(BrokenOffError):
        runner.train()
    return runner


def hear(monkeypatch: pytest.MonkeyPatch, *modules: Any) -> list[str]:
    """What modules say from now on, by ``print_log``."""
    said: list[str] = []
    for module in modules:
        monkeypatch.setattr(
            module, 'print_log', lambda text, **_: said.append(text)
        )
    return said
