"""The command line of Figure 3."""

import csv
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mmdet_ohem.commands import loss
from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from tests.figure3.runs import small_config, write_images, write_run
from tests.runs.torn import cut, hear_warnings, lose_a_block
from tools import analyze_loss

TOOL = Path(analyze_loss.__file__)
FIGURES = ['figure3.png', 'figure3.svg']


@pytest.fixture(scope='module')
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of two checkpoints, on three images."""
    root = tmp_path_factory.mktemp('runs')
    data = write_images(root / 'data')
    for name, config in (
        ('baseline', 'fast_rcnn_vgg16_voc07'),
        ('ohem', 'fast_rcnn_vgg16_ohem_voc07'),
    ):
        write_run(root / name, small_config(data, config), (2, 4))
    return root


@pytest.fixture
def call(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool in this process; returns its exit status."""

    def call(*args: str, runs_besides: tuple[Path, ...] = ()) -> int:
        folders = [runs / 'baseline', runs / 'ohem', *runs_besides]
        command = ['x', *map(str, folders), *args]
        command += ['--out', str(tmp_path / 'out')]
        monkeypatch.setattr(sys, 'argv', command)
        return analyze_loss.main()

    return call


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images whose loss was computed."""
    seen: list[str] = []
    compute = AllRoILoss.__call__

    def counted(self: AllRoILoss, batch: Any) -> Any:
        seen.extend(x.img_id for x in batch['data_samples'])
        return compute(self, batch)

    monkeypatch.setattr(AllRoILoss, '__call__', counted)
    # Drawing takes longer than the rest.
    monkeypatch.setattr(loss, 'draw_figure', lambda *args: None)
    return seen


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_writes_table_and_figure(
    call: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert call() == 0
    found = rows(tmp_path / 'out/losses.csv')
    assert [(x['run'][-4:], x['iteration'], x['kind']) for x in found] == [
        (run, iteration, kind)
        for run in ('line', 'ohem')
        for iteration in ('2', '4')
        for kind in ('all', 'fg', 'near_bg', 'far_bg')
    ]
    assert {x['label'] for x in found} == {
        'random, bg_lo = 0.1',
        'OHEM, bg_lo = 0',
    }
    # 20 proposals and 2 boxes, 21 and 2, 22 and 2; no RoI is ignored.
    every = [x for x in found if x['kind'] == 'all']
    assert {x['num_rois'] for x in every} == {'69'}
    assert {x['num_images'] for x in every} == {'3'}
    for name in FIGURES:
        assert (tmp_path / 'out' / name).stat().st_size > 1000
    svg = (tmp_path / 'out/figure3.svg').read_text()
    assert svg.count('<g id="axes_') == 4
    printed = capsys.readouterr().out
    assert 'mean loss per RoI' in printed and 'losses.csv' in printed


def test_a_finished_checkpoint_is_not_computed_again(
    call: Any, images: list[str], tmp_path: Path
) -> None:
    assert call('--checkpoints', '2') == 0
    assert len(images) == 2 * 3
    first = (tmp_path / 'out/losses.csv').read_text()
    assert call('--checkpoints', '2') == 0
    assert len(images) == 2 * 3
    assert (tmp_path / 'out/losses.csv').read_text() == first
    assert call('--checkpoints', 'every') == 0
    assert len(images) == 4 * 3


def test_goes_on_after_an_interruption(
    call: Any,
    images: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    counted = AllRoILoss.__call__

    def interrupted(self: AllRoILoss, batch: Any) -> Any:
        if len(images) == 7:  # in the third checkpoint
            raise KeyboardInterrupt
        return counted(self, batch)

    monkeypatch.setattr(AllRoILoss, '__call__', interrupted)
    assert call() == 130
    assert 'goes on from here' in capsys.readouterr().err
    monkeypatch.setattr(AllRoILoss, '__call__', counted)
    assert call() == 0
    assert len(images) == 7 + 2 * 3
    assert len(rows(tmp_path / 'out/losses.csv')) == 16


def test_max_images_is_another_result(call: Any, images: list[str]) -> None:
    assert call('--checkpoints', '2', '--max-images', '2') == 0
    assert images == ['image0', 'image2'] * 2
    assert call('--checkpoints', '2', '--max-images', '1') == 0
    assert images[4:] == ['image0'] * 2


def test_a_run_without_checkpoints_is_an_error(
    call: Any, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    empty = tmp_path / 'empty'
    empty.mkdir()
    shutil.copy(next((runs / 'ohem').glob('*.py')), empty)
    assert call(runs_besides=(empty,)) == 2
    assert 'empty holds no checkpoint' in capsys.readouterr().err


def test_a_one_stage_detector_is_an_error_before_anything_is_computed(
    call: Any, images: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / 'retinanet'
    folder.mkdir()
    (folder / 'x.py').write_text(
        "model = dict(type='RetinaNet', train_cfg=dict(pos_weight=-1))"
    )
    (folder / 'iter_1.pth').touch()
    assert call(runs_besides=(folder,)) == 2
    assert 'RetinaNet has no roi_head' in capsys.readouterr().err
    assert images == []


@pytest.mark.parametrize('tear', [cut, lose_a_block])
def test_a_torn_checkpoint_is_named(
    call: Any,
    images: list[str],
    runs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tear: Callable[[Path], None],
) -> None:
    messages = hear_warnings(monkeypatch)
    folder = tmp_path / 'torn'
    shutil.copytree(runs / 'ohem', folder)
    tear(folder / 'iter_4.pth')
    status = call('--max-images', '1', runs_besides=(folder,))
    if tear is cut:
        # Left out of all, with a warning, since nobody asked for it.
        assert status == 0
        (message,) = messages
        assert 'torn/iter_4.pth is cut off' in message
        found = rows(tmp_path / 'out/losses.csv')
        numbers = [x['iteration'] for x in found if x['kind'] == 'all']
        assert numbers == ['2', '4', '2', '4', '2']
        status = call('--checkpoints', '4', runs_besides=(folder,))
    # Zeros in its middle are found before its weights are taken.
    assert status == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and 'torn/iter_4.pth is ' in error


def test_weights_of_another_network_are_an_error(
    runs: Path, call: Any, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = tmp_path / 'other'
    shutil.copytree(runs / 'ohem', folder)
    config = next(folder.glob('*.py'))
    config.write_text(
        config.read_text().replace('fc_out_channels', 'unused_channels')
    )
    text = config.read_text().replace('num_classes=20', 'num_classes=19')
    config.write_text(text.replace('unused_channels', 'fc_out_channels'))
    assert call(runs_besides=(folder,)) == 2
    assert 'other/iter_2.pth does not fit' in capsys.readouterr().err


def test_two_processes_give_the_numbers_of_one(
    call: Any, runs: Path, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(TOOL), str(runs / 'baseline')]
    command += [str(runs / 'ohem'), '--checkpoints', '4']
    command += ['--launcher', 'pytorch', '--out', str(tmp_path / 'two')]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ
            | dict(
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                WORLD_SIZE='2',
                MASTER_ADDR='localhost',
                MASTER_PORT=str(port),
                CUDA_VISIBLE_DEVICES='',
                OMP_NUM_THREADS='1',
                PYTHONPATH=str(TOOL.parents[1]),
            ),
            stdout=subprocess.DEVNULL,
        )
        for rank in range(2)
    ]
    assert call('--checkpoints', '4') == 0
    assert [process.wait(timeout=900) for process in processes] == [0, 0]
    one, two = (rows(tmp_path / x / 'losses.csv') for x in ('out', 'two'))
    assert len(one) == len(two) == 8
    for first, second in zip(one, two, strict=True):
        for name in ('num_rois', 'cls', 'loc', 'total'):
            assert float(first[name]) == pytest.approx(
                float(second[name]), rel=1e-6
            )


def test_slurm_without_a_gpu_is_an_error(
    call: Any,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    assert call('--launcher', 'slurm') == 2
    assert 'torchrun' in capsys.readouterr().err
