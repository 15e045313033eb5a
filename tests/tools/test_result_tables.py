"""Tables beside the paper, as a user prints them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tables.finished_runs import finish
from tools import result_tables


@pytest.fixture
def call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> Callable[..., str]:
    """The tool in this process; returns what it prints."""

    def call(*args: str) -> str:
        command = ['x', '--work-dir', str(tmp_path / 'runs'), *args]
        monkeypatch.setattr(sys, 'argv', command)
        assert result_tables.main() == 0
        return capsys.readouterr().out

    return call


def test_all_tables_are_printed_and_written(
    call: Callable[..., str], tmp_path: Path
) -> None:
    finish(tmp_path / 'runs', 0, dict(mAP=0.7))
    out = call('--out', str(tmp_path / 'new' / 'folder'))
    titles = [x[3:10] for x in out.splitlines() if x.startswith('## ')]
    assert titles == [f'Table {number}' for number in range(1, 6)]
    names = sorted(x.name for x in (tmp_path / 'new' / 'folder').iterdir())
    assert names == [
        f'table{number}.{kind}'
        for number in (1, 3, 4, 5)
        for kind in ('csv', 'md')
    ]
    text = (tmp_path / 'new' / 'folder' / 'table1.md').read_text()
    assert text in out and ' 70.0 ' in text


def test_table_2_is_the_papers_and_names_who_measures_it(
    call: Callable[..., str],
) -> None:
    out = call('--table', '2')
    for number in ('0.13', '0.22', '0.60', '0.57', '1.00', '11.2'):
        assert f' {number} ' in out, number
    assert 'mmdet-ohem benchmark' in out


def test_a_broken_run_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    folder = finish(tmp_path, 0, dict(mAP=0.7))
    (folder / 'finished.json').write_text('{"con')
    command = ['x', '--table', '1', '--work-dir', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', command)
    assert result_tables.main() == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1
    assert 'finished.json' in error
