"""A bar in a terminal, a line a minute in a log file."""

import io

import pytest

from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.progress import EveryMinute, progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    now = [0.0]
    monkeypatch.setattr('time.monotonic', lambda: now[0])
    return now


def test_a_log_file_gets_a_line_a_minute(
    clock: list[float], capsys: pytest.CaptureFixture
) -> None:
    with progress('images', 'searching') as advance:
        for second in range(0, 181, 20):
            clock[0] = second
            advance(second // 2, 180)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        'searching: 30 of 180 images, 1.0 min passed, about 5.0 min left',
        'searching: 60 of 180 images, 2.0 min passed, about 4.0 min left',
        'searching: 90 of 180 images, 3.0 min passed, about 3.0 min left',
    ]


def test_a_quick_command_says_nothing(
    clock: list[float], capsys: pytest.CaptureFixture
) -> None:
    with progress('images') as advance:
        advance(1, None)
    assert capsys.readouterr().err == ''


def test_other_processes_are_silent(
    clock: list[float], capsys: pytest.CaptureFixture
) -> None:
    with progress('images', shown=False) as advance:
        clock[0] = 999
        advance(1, 2)
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize(('terminal', 'lines'), [(False, 2), (True, 0)])
def test_a_terminal_has_bars_instead(
    terminal: bool, lines: int, clock: list[float]
) -> None:
    file = io.StringIO()
    say = EveryMinute(plain_console(file=file, force_terminal=terminal))
    for second in (0, 59, 60, 119, 120):
        clock[0] = second
        say('row 2')
    assert file.getvalue().count('row 2') == lines
