"""The report of runs, as a user calls it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.logged_runs import train_line, write_logged_run
from tools import report


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """The tool in this process; returns its exit status."""

    def call(*args: object) -> int:
        out = tmp_path / 'new folder/report.html'
        command = ['x', *args, '--out', out]
        monkeypatch.setattr(sys, 'argv', list(map(str, command)))
        return report.main()

    return call


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_logged_run(tmp_path / 'run', [train_line(50, loss=1.0)])


def test_writes_one_file(
    call: Callable[..., int],
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    assert call(run) == 0
    (page,) = (tmp_path / 'new folder').iterdir()
    assert page.read_text(encoding='utf-8').rstrip().endswith('</html>')
    assert 'report.html' in capsys.readouterr().out.replace('\n', '')


def test_prints_the_results(
    call: Callable[..., int],
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    other = write_logged_run(
        tmp_path / 'ohem',
        [train_line(50, time=0.25), {'pascal_voc/mAP': 0.5, 'step': 50}],
        sampler='mmdet_ohem.OHEMSampler',
    )
    assert call(run, other) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = [[x.strip() for x in line.split('│')[1:-1]] for line in lines]
    assert ['mAP, %', '–', '50.0'] in cells
    assert ['s / iteration, median', '–', '0.250'] in cells


def test_detections_below_zero_are_bad_usage(
    call: Callable[..., int], run: Path, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as stopped:
        call(run, '--detections', '-1')
    assert stopped.value.code == 2
    assert "--detections: '-1' is no" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['{run}', '{run}'], 'a run is given twice'),
        (['{run}', '{folder}/none'], 'none is no folder'),
        (['{folder}'], 'holds no config'),
        (['{run}', '--sheets', '{folder}'], 'holds no picture'),
        (['{run}', '--figure3', '{folder}'], 'losses.csv does not exist'),
        (['{run}', '--detections', '1'], 'run holds no detections'),
    ],
)
def test_a_wrong_folder_is_an_error_and_nothing_is_written(
    call: Callable[..., int],
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    args: list[str],
    message: str,
) -> None:
    assert call(*(x.format(run=run, folder=tmp_path) for x in args)) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'new folder').exists()
