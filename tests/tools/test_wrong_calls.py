"""A wrong call ends by one line that says what is wrong, and status 2."""

import runpy
import sys
from pathlib import Path

import pytest

from tests.tools.wrong_calls import WRONG_CALLS, write_files

TOOLS = Path(__file__).parents[2] / 'tools'


@pytest.fixture(scope='module')
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_files(tmp_path_factory.mktemp('wrong calls'))


def call(tool: str) -> int:
    """Exit status of a command; what it raises is a traceback."""
    try:
        runpy.run_path(str(TOOLS / f'{tool}.py'), run_name='__main__')
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


@pytest.mark.parametrize(
    ('tool', 'arguments', 'named'),
    WRONG_CALLS,
    ids=lambda text: text.replace(' ', '_'),
)
def test_a_wrong_call_is_explained_in_a_line(
    tool: str,
    arguments: str,
    named: str,
    files: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [word.format(**files) for word in arguments.split()]
    monkeypatch.setattr(sys, 'argv', [f'{tool}.py', *words])
    status = call(tool)
    printed = capsys.readouterr()
    errors = [x for x in printed.err.splitlines() if x.startswith('error:')]
    assert status == 2, printed
    assert len(errors) == 1, printed.err
    assert named in errors[0]
    assert 'Traceback' not in printed.err + printed.out
