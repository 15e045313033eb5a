"""``--launcher pytorch`` on a machine without a GPU."""

import os
import socket
import subprocess
import sys
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import MMDistributedDataParallel

from mmdet_ohem.host import process_group
from mmdet_ohem.host.process_group import ddp_without_gpu, join_without_gpu
from mmdet_ohem.runs import AnyDeviceRunner
from tests.runs.test_random_state_hook import Dropping, Noisy

WORLD_SIZE = 2


def free_port() -> int:
    with socket.socket() as free:
        free.bind(('localhost', 0))
        return free.getsockname()[1]


def environment(rank: int, port: int) -> dict[str, str]:
    """What torchrun sets for a process."""
    return dict(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(WORLD_SIZE),
        MASTER_ADDR='localhost',
        MASTER_PORT=str(port),
    )


def runner_of(folder: Path, **changes: Any) -> AnyDeviceRunner:
    loader = dict(batch_size=2, num_workers=0)
    settings: dict[str, Any] = dict(
        model=Dropping(),
        work_dir=str(folder),
        train_dataloader=dict(
            dataset=Noisy(),
            sampler=dict(type='InfiniteSampler'),
            collate_fn=dict(type='default_collate'),
            **loader,
        ),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=3),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        # As in configs/_base_/default_runtime.py.
        env_cfg=dict(dist_cfg=dict(backend='nccl', timeout=60)),
        launcher='pytorch',
        randomness=dict(seed=0),
        log_level='ERROR',
    )
    return AnyDeviceRunner(**settings | changes)


def train(rank: int, port: int, folder: Path) -> None:
    os.environ.update(environment(rank, port))
    torch.set_num_threads(1)
    runner = runner_of(folder)
    assert isinstance(runner.model, MMDistributedDataParallel)
    runner.train()
    torch.save(runner.model.module.state_dict(), folder / f'{rank}.pth')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_two_processes_on_cpu_train_one_model(tmp_path: Path) -> None:
    work, context = (
        partial(train, port=free_port(), folder=tmp_path),
        get_context('fork'),
    )
    processes = [
        context.Process(target=work, args=(rank,))
        for rank in range(WORLD_SIZE)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        process.kill()
    assert [process.exitcode for process in processes] == [0, 0]
    first, second = (
        torch.load(tmp_path / f'{rank}.pth', weights_only=True)
        for rank in range(WORLD_SIZE)
    )
    torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_other_launchers_need_a_gpu(
    launcher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match=r'needs a GPU\. Remedy: .*torchrun'):
        runner_of(tmp_path, launcher=launcher)


def test_a_process_of_no_job_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(ValueError, match=r'without RANK .* Remedy'):
        join_without_gpu('pytorch')


def test_with_a_gpu_nothing_is_different(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[Any] = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(process_group, 'join_without_gpu', called.append)
    monkeypatch.setattr(
        'mmengine.runner.runner.init_dist',
        lambda *args, **kwargs: called.append((args, kwargs)),
    )
    monkeypatch.setattr(
        AnyDeviceRunner.__base__, 'build_logger', lambda *a, **k: stop()
    )
    with pytest.raises(KeyboardInterrupt):
        runner_of(tmp_path)
    assert called == [(('pytorch',), dict(backend='nccl', timeout=60))]


def stop() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ('wrapper', 'expected'),
    [
        (
            None,
            dict(
                type='MMDistributedDataParallel',
                broadcast_buffers=False,
                find_unused_parameters=True,
                device_ids=None,
            ),
        ),
        (
            dict(static_graph=True),
            dict(
                type='MMDistributedDataParallel',
                static_graph=True,
                device_ids=None,
            ),
        ),
        (
            dict(type='MMFullyShardedDataParallel'),
            dict(type='MMFullyShardedDataParallel'),
        ),
    ],
)
def test_only_ddp_is_given_no_gpu(
    wrapper: dict | None, expected: dict
) -> None:
    assert ddp_without_gpu(wrapper, True) == expected


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_mim_trains_and_tests_in_two_processes(tmp_path: Path) -> None:
    from tests.test_command_line import CONFIG, ROOT, THINGS
    from tests.voc_folder import Picture, boxes_around, write_voc

    picture = Picture(THINGS, proposals=boxes_around(THINGS, 40))
    write_voc(tmp_path / 'data', {'000001': picture, '000002': picture})
    base = ROOT / 'configs' / 'fast_rcnn_vgg16_ohem_voc07.py'
    (tmp_path / 'ohem.py').write_text(
        CONFIG.format(base=str(base), data=str(tmp_path / 'data'))
    )
    two = ['--gpus', '2', '--launcher', 'pytorch', '--work-dir', 'run']
    for command, expected in (
        (['train', 'mmdet', 'ohem.py', *two], 'Iter(train) [2/2]'),
        (
            [
                'test',
                'mmdet',
                'ohem.py',
                *two,
                '--checkpoint',
                'run/iter_2.pth',
            ],
            'pascal_voc/mAP',
        ),
    ):
        done = subprocess.run(
            [sys.executable, '-m', 'mim', *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-3000:]
        assert expected in output
