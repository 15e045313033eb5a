"""Nothing is lost when a process is killed while it saves."""

import errno
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.fileio import LocalBackend

import mmdet_ohem.guard.safe_checkpoint_hook as module
from mmdet_ohem.guard.last_checkpoint import last_checkpoint
from mmdet_ohem.host.patching import listen_to
from mmdet_ohem.runs.torn_checkpoints import TornCheckpointError
from tests.guard.torn import TEAR, tear
from tests.guard.trainings import (
    break_off,
    hear,
    runner_of,
    train,
    training_config,
)

REPO = Path(__file__).parents[2]

# Trains, and kills itself while it saves the second checkpoint.
KILLED = """
import os, signal, sys
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmengine.runner import Runner
import torch

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

saves = 0
save, put, rename = torch.save, LocalBackend.put, os.replace

def torch_save(value, file, *args, **kwargs):
    global saves
    saves += 1
    save(value, file, *args, **kwargs)

def put_half(self, data, path):
    if saves == 2 and MOMENT == 'writing':
        with open(path, 'wb') as file:
            file.write(data[:len(data) // 2])
            file.flush()
        kill()
    put(self, data, path)

def replace(source, target):
    if saves == 2 and MOMENT == 'before renaming':
        kill()
    rename(source, target)
    if saves == 2 and MOMENT == 'before the note':
        kill()
    if saves == 2 and MOMENT == 'before deleting' and 'last_' in str(target):
        kill()

import mmengine.config.config as formatted
formatted.FormatCode = lambda text, **_: (text, True)
MOMENT, config = sys.argv[1:]
torch.save, LocalBackend.put, os.replace = torch_save, put_half, replace
Runner.from_cfg(Config.fromfile(config)).train()
"""
MOMENTS = {
    'writing': 2,
    'before renaming': 2,
    'before the note': 4,
    'before deleting': 4,
}


def kept(root: Path) -> list[str]:
    return sorted(x.name for x in (root / 'run').glob('*.pth*'))


@pytest.mark.parametrize(('moment', 'survives'), MOMENTS.items())
def test_a_kill_while_saving_leaves_a_checkpoint(
    moment: str, survives: int, root: Path
) -> None:
    config = training_config(root, default_hooks__checkpoint__max_keep_ckpts=1)
    config.dump(root / 'config.py')
    process = subprocess.run(
        [sys.executable, '-c', KILLED, moment, root / 'config.py'],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    found = last_checkpoint(root / 'run')
    assert found == root / f'run/iter_{survives}.pth'
    torch.load(found, weights_only=True)
    # It goes on from there, and leaves only what it is to keep.
    config.resume = True
    runner = train(config)
    assert runner.iter == 6
    assert kept(root) == ['iter_6.pth']


def test_keeps_as_many_as_it_is_told(root: Path) -> None:
    config = training_config(root, default_hooks__checkpoint__max_keep_ckpts=2)
    train(config)
    assert kept(root) == ['iter_4.pth', 'iter_6.pth']
    note = (root / 'run/last_checkpoint').read_text()
    assert note == str(root / 'run/iter_6.pth')


def test_a_full_disk_costs_no_checkpoint(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalBackend.put

    def put_some(self: Any, data: bytes, path: str) -> None:
        if 'iter_4' in str(path):
            put(self, data[:99], path)
            raise OSError(errno.ENOSPC, 'No space left on device')
        put(self, data, path)

    monkeypatch.setattr(LocalBackend, 'put', put_some)
    config = training_config(root, default_hooks__checkpoint__max_keep_ckpts=1)
    with pytest.raises(OSError, match=r"No space left .*iter_4\.pth'"):
        train(config)
    assert kept(root) == ['iter_2.pth']


def test_the_best_goes_once_the_better_is_there(root: Path) -> None:
    config = training_config(
        root,
        train_cfg__val_interval=2,
        default_hooks__checkpoint__save_best='rising',
        default_hooks__checkpoint__rule='greater',
        default_hooks__checkpoint__max_keep_ckpts=1,
    )
    config.val_cfg = dict(type='ValLoop')
    config.val_dataloader = config.test_dataloader
    config.val_evaluator = config.test_evaluator
    runner = runner_of(config)
    hook = next(
        x for x in runner.hooks if isinstance(x, module.SafeCheckpointHook)
    )
    before: list[list[str]] = []
    listen_to(
        runner, 'save_checkpoint', lambda *_, **__: before.append(kept(root))
    )
    assert runner.val_loop is not None
    runner.val_loop.evaluator.evaluate = lambda size: dict(
        rising=float(runner.iter)
    )
    runner.train()
    assert hook.last_written == str(root / 'run/iter_6.pth')
    assert kept(root) == ['best_rising_iter_6.pth', 'iter_6.pth']
    # At each moment there was a whole best one.
    best = [[x for x in names if x.startswith('best')] for names in before]
    assert all(any(not x.endswith('.tmp') for x in b) for b in best[2:])


@pytest.mark.parametrize('how', TEAR)
def test_resumes_from_the_newest_readable_one(
    how: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = training_config(root)
    break_off(config, 5)
    tear(how, root / 'run/iter_4.pth')
    said = hear(monkeypatch, module)
    config.resume = True
    runner = runner_of(config)
    runner.call_hook('before_run')
    assert any(str(root / 'run/iter_2.pth') in x for x in said)
    runner = train(config)
    assert runner.iter == 6
    torch.load(root / 'run/iter_4.pth', weights_only=True)


@pytest.mark.parametrize('note', ['', '/gone/iter_3.pth', '\x00' * 9])
def test_the_note_is_no_obstacle(note: str, root: Path) -> None:
    config = training_config(root)
    break_off(config, 5)
    (root / 'run/last_checkpoint').write_text(note)
    config.resume = True
    runner = runner_of(config)
    starts: list[str] = []
    listen_to(runner, 'resume', lambda _, file: starts.append(file))
    runner.train()
    assert starts == [str(root / 'run/iter_4.pth')]


def test_nothing_to_resume_begins_at_the_beginning(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    config = training_config(root, resume=True)
    assert train(config).iter == 6
    assert 'no readable checkpoint' in said[0]


def test_a_torn_one_that_was_asked_for_is_refused(root: Path) -> None:
    config = training_config(root)
    break_off(config, 3)
    file = root / 'run/iter_2.pth'
    tear('hole', file)
    config.merge_from_dict(dict(resume=True, load_from=str(file)))
    with pytest.raises(TornCheckpointError, match=r'iter_2\.pth is torn'):
        train(config)


def test_weights_that_are_not_finite_are_not_trained_on(root: Path) -> None:
    config = training_config(root)
    break_off(config, 3)
    file = root / 'run/iter_2.pth'
    checkpoint = torch.load(file, weights_only=False)
    name = 'roi_head.bbox_head.fc_cls.weight'
    checkpoint['state_dict'][name][0, 0] = float('inf')
    torch.save(checkpoint, file)
    config.resume = True
    with pytest.raises(FloatingPointError, match=f'{name} are not finite be'):
        train(config)
