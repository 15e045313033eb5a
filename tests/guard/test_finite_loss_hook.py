"""A training never goes on over nothing."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

import mmdet_ohem.guard.finite_loss_hook as module
from mmdet_ohem.guard import FiniteLossHook
from mmdet_ohem.guard.bad_iterations import BadIterations, Iteration
from tests.guard.trainings import hear, train, training_config

REPO = Path(__file__).parents[2]


class Spoil(Hook):
    """Sets one weight to NaN once an iteration is over."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def after_train_iter(self, runner: Runner, *args: Any, **kw: Any) -> None:
        if runner.iter + 1 == self.iteration:
            head: Any = runner.model.roi_head.bbox_head
            with torch.no_grad():
                head.fc_cls.weight[0, 0] = float('nan')


RANDOM = dict(type='RandomSampler', num=8, pos_fraction=0.25)


@pytest.mark.parametrize('lr', [1e10, float('nan')])
@pytest.mark.parametrize('sampler', ['ohem', 'random'])
def test_a_wild_learning_rate_ends_the_training(
    sampler: str, lr: float, root: Path
) -> None:
    config = training_config(
        root, train_cfg__max_iters=40, default_hooks__checkpoint__interval=30
    )
    config.optim_wrapper.optimizer.lr = lr
    config.param_scheduler = None
    if sampler == 'random':
        config.model.train_cfg.rcnn.sampler = RANDOM
    words = r'5 iterations in a row.*iteration \d+: .*learning rate.*image\d'
    with pytest.raises(FloatingPointError, match=words) as caught:
        train(config)
    assert 'no checkpoint to go on from yet' in str(caught.value)
    assert 'Remedy' in str(caught.value)
    assert not list((root / 'run').glob('*.pth*'))


def test_one_weight_that_is_nan_ends_the_training(root: Path) -> None:
    config = training_config(
        root, train_cfg__max_iters=20, default_hooks__checkpoint__interval=2
    )
    config.default_hooks.finite_loss.num_iters = 1
    with pytest.raises(FloatingPointError) as caught:
        train(config, Spoil(4))
    # Iteration 4 ends with a checkpoint, and with a look at the weights.
    assert 'not finite after iteration 4' in str(caught.value)
    assert 'iter_2.pth' in str(caught.value)
    names = sorted(x.name for x in (root / 'run').glob('*.pth*'))
    assert names == ['iter_2.pth']


def test_between_checkpoints_the_loss_tells(root: Path) -> None:
    config = training_config(
        root, train_cfg__max_iters=20, default_hooks__checkpoint__interval=10
    )
    words = r'first of them iteration 4: .*There is no checkpoint'
    with pytest.raises(FloatingPointError, match=words):
        train(config, Spoil(3))


def test_foreground_without_a_finite_loss_ends_the_training(
    root: Path,
) -> None:
    config = training_config(root, train_cfg__max_iters=20)
    coder = config.model.roi_head.bbox_head.bbox_coder
    coder.target_stds = [0.0, 0.0, 0.0, 0.0]
    words = r'iteration 1: .*\(foreground\) RoI'
    with pytest.raises(FloatingPointError, match=words):
        train(config)


def test_the_command_ends_with_the_error(root: Path) -> None:
    config = training_config(root, train_cfg__max_iters=40)
    config.optim_wrapper.optimizer.lr = 1e10
    config.param_scheduler = None
    config.dump(root / 'config.py')
    process = subprocess.run(
        [sys.executable, REPO / 'tools/train.py', root / 'config.py'],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert process.returncode != 0
    last = process.stderr.strip().splitlines()[-1]
    assert last.startswith('error: ') and 'Remedy' in last
    assert 'Traceback' not in process.stderr
    for path in (root / 'run').glob('iter_*.pth'):
        weights = torch.load(path, weights_only=False)['state_dict']
        assert all(x.isfinite().all() for x in weights.values())


def test_bad_iterations_apart_are_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Infinite(Hook):
        priority = 'VERY_HIGH'

        def after_train_iter(
            self, runner: Runner, batch_idx: int, *args: Any, **kw: Any
        ) -> None:
            if batch_idx % 5 != 4:
                kw['outputs']['loss'] = torch.tensor(float('inf'))

    said = hear(monkeypatch, module)
    config = training_config(root, train_cfg__max_iters=12)
    config.default_hooks.finite_loss.interval = 6
    assert train(config, Infinite()).iter == 12
    first, second = said
    assert first.startswith('5 more iterations') and '(5 so far)' in first
    assert second.startswith('5 more iterations') and '(10 so far)' in second
    assert 'iteration 12: its loss is not finite (loss inf' in second


def iteration(number: int, *flags: bool) -> Iteration:
    return Iteration(number, 0.1, [], {}, torch.tensor(flags))


@pytest.mark.parametrize('chunk', [1, 2, 3, 7])
def test_rows_go_on_over_readings(chunk: int) -> None:
    bad = [False, True, True, False, True, True, True]
    counter, rows = BadIterations(3), []
    for number, flag in enumerate(bad):
        counter.add(iteration(number, flag, False))
        if len(counter) == chunk or number == 6:
            rows.append([x.number for x in counter.read()])
    assert rows[-1] == [4, 5, 6]
    assert not any(rows[:-1])


def test_the_device_is_read_once_an_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Flags on another device than the CPU wait for the interval."""
    hook = FiniteLossHook(interval=4)
    readings = []
    monkeypatch.setattr(
        hook, '_read', lambda runner: readings.append(runner.iter)
    )
    # A meta tensor raises where its value is asked for.
    loss = torch.ones((), device='meta')
    runner: Any = SimpleNamespace(
        iter=0,
        hooks=[],
        model=nn.Identity(),
        optim_wrapper=SimpleNamespace(get_lr=lambda: dict(lr=[0.1])),
    )
    for runner.iter in range(3):
        hook.after_train_iter(runner, runner.iter, {}, dict(loss=loss))
    assert not readings


def test_rois_without_a_loss_are_counted_again_and_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lose(Hook):
        def after_train_iter(
            self, runner: Runner, *args: Any, **kw: Any
        ) -> None:
            model: Any = runner.model
            sampler = model.roi_head.bbox_sampler
            sampler.non_finite.num_rois += runner.iter % 2

    said = hear(monkeypatch, module)
    config = training_config(root)
    config.default_hooks.finite_loss.interval = 2
    train(config, Lose())
    assert [x for x in said if '1 more RoI was not finite' in x] == said
    assert [x.split('(')[1][:8] for x in said] == [
        '1 so far',
        '2 so far',
        '3 so far',
    ]


@pytest.mark.parametrize('key', ['num_iters', 'interval'])
def test_refuses_values_below_1(key: str) -> None:
    with pytest.raises(ValueError, match=f'{key} must be at least 1, got 0'):
        FiniteLossHook(**{key: 0})
