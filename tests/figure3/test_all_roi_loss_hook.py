"""The curve of Figure 3 while one watches."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.runner import Runner
from torch import nn

from mmdet_ohem.figure3 import AllRoILoss, AllRoILossHook
from mmdet_ohem.figure3.loss_analysis import AnalysisSettings, LossAnalysis
from mmdet_ohem.registry import HOOKS
from mmdet_ohem.runs.work_dir import WorkDir
from tests.figure3.detectors import batch_of_one, build, small_model
from tests.figure3.runs import small_config, write_images

NAMES = ['total', 'cls', 'loc', 'fg', 'near_bg', 'far_bg']
HOOK = dict(type='mmdet_ohem.AllRoILossHook', interval=2, num_images=2)


def train(root: Path, name: str, hooks: list[dict]) -> Any:
    """Four iterations with random flips and dropout; returns the runner."""
    config = small_config(root / 'data')
    config.merge_from_dict(
        dict(
            work_dir=str(root / name),
            experiment_name=name,
            # Of one name there is one in a process, wherever it writes.
            visualizer=dict(name=f'all-roi-loss-{name}'),
            custom_hooks=hooks,
            train_cfg=dict(max_iters=4),
            val_cfg=None,
            val_dataloader=None,
            val_evaluator=None,
            randomness=dict(seed=0),
            log_level='ERROR',
        )
    )
    config.default_hooks.logger.interval = 1
    config.default_hooks.checkpoint.interval = 2
    runner = Runner.from_cfg(config)
    runner.train()
    return runner


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('hook')
    write_images(root / 'data')
    return root


@pytest.fixture(scope='module')
def watched(root: Path) -> Any:
    return train(root, 'watched', [HOOK])


def weights(folder: Path) -> dict[str, torch.Tensor]:
    file = folder / 'iter_4.pth'
    return torch.load(file, weights_only=False)['state_dict']


def test_training_is_the_same_without_it(root: Path, watched: Any) -> None:
    train(root, 'alone', [])
    first, second = weights(root / 'watched'), weights(root / 'alone')
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def test_logs_what_the_analysis_finds(root: Path, watched: Any) -> None:
    run = WorkDir(root / 'watched', import_custom_modules=True)
    settings = AnalysisSettings(max_images=2)
    analysis = LossAnalysis([run], root / 'results', settings)
    analysis.compute()
    ((_, last),) = analysis.load()
    expected = last.means[0]
    scalars = watched.message_hub.log_scalars
    for name in ('cls', 'loc', 'total'):
        found = scalars[f'train/all_roi_loss/{name}'].current()
        assert found == pytest.approx(getattr(expected, name), rel=1e-5)


def test_the_log_has_the_value_itself_not_a_mean(
    root: Path, watched: Any
) -> None:
    (path,) = (root / 'watched').glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [line.get('all_roi_loss/total') for line in lines]
    # Nothing before the first record; repeated until the second.
    assert found[0] is None and found[1] == found[2] != found[3]
    last = watched.message_hub.log_scalars['train/all_roi_loss/total']
    assert found[3] == pytest.approx(last.current())
    assert {f'all_roi_loss/{name}' for name in NAMES} <= lines[3].keys()


def hook_on(detector: Any, batches: list[dict]) -> AllRoILossHook:
    """A hook in the middle of a training."""
    hook = AllRoILossHook(interval=2, num_images=len(batches))
    hook._loss = AllRoILoss(detector)
    images: Any = [
        {key: value[0] for key, value in batch.items()} for batch in batches
    ]
    hook._images = images
    return hook


def test_stages_are_logged_apart() -> None:
    hook = hook_on(build(small_model('cascade')), [batch_of_one()])
    scalars = hook.scalars()
    for stage in range(3):
        assert {f's{stage}.{x}' for x in ('cls', 'loc', 'total')} <= {*scalars}
    assert 'total' not in scalars


def test_kinds_without_rois_are_not_logged() -> None:
    hook = hook_on(build(small_model('fast')), [batch_of_one(num_gts=0)])
    assert set(hook.scalars()) == {'total', 'cls', 'loc', 'far_bg'}


def test_processes_share_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    module = 'mmdet_ohem.figure3.all_roi_loss_hook'
    batches = [batch_of_one(), batch_of_one(), batch_of_one()]
    hook = hook_on(build(small_model('fast')), batches)
    expected = hook.scalars()
    parts: list[torch.Tensor] = []

    def all_reduce(sums: torch.Tensor) -> None:
        """Add up what the ranks have come with so far."""
        parts.append(sums.clone())
        sums.copy_(torch.stack(parts).sum(0))

    monkeypatch.setattr(f'{module}.all_reduce', all_reduce)
    monkeypatch.setattr(f'{module}.get_world_size', lambda: 2)
    for rank in (1, 0):
        monkeypatch.setattr(f'{module}.get_rank', lambda rank=rank: rank)
        found = hook.scalars()
    assert len(parts) == 2 and not torch.equal(*parts)
    assert found == pytest.approx(expected, rel=1e-12)


def test_only_each_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = AllRoILossHook(interval=3)
    monkeypatch.setattr(hook, 'scalars', lambda: dict(total=1.0))
    runner = SimpleNamespace(message_hub=MessageHub('interval'), iter=0)
    seen = []
    for runner.iter in range(7):
        hook.after_train_iter(runner, runner.iter)
        if runner.message_hub.log_scalars.pop(
            'train/all_roi_loss/total', None
        ):
            seen.append(runner.iter)
    assert seen == [2, 5]


def test_a_detector_without_rois_is_an_error() -> None:
    runner = SimpleNamespace(model=nn.Conv2d(1, 1, 1), cfg=Config())
    with pytest.raises(TypeError, match='two-stage detector'):
        AllRoILossHook().before_train(runner)


@pytest.mark.parametrize('key', ['interval', 'num_images'])
def test_bad_settings_are_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f'{key} must be at least 1, got 0'):
        HOOKS.build({'type': 'mmdet_ohem.AllRoILossHook', key: 0})
