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


@pytest.mark.parametrize(
    ('args', 'message'),
    [
        (['{run}', '{run}'], 'a run is given twice'),
        (['{run}', '{folder}/none'], 'none is no folder'),
        (['{folder}'], 'holds no config'),
        (['{run}', '--sheets', '{folder}'], 'holds no picture'),
        (['{run}', '--figure3', '{folder}'], 'losses.csv does not exist'),
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
