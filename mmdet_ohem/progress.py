"""How far a command is: a bar in a terminal, lines in a log file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmdet_ohem.plain_text import plain_console

#: Seconds between two lines of a log file.
LINE_EVERY = 60.0


class Advance(Protocol):
    """Tell how far a command is."""

    def __call__(self, done: int, total: int | None, text: str = '') -> None:
        """Show it.

        Args:
            done: Units that are done.
            total: Of how many; None while nobody knows.
            text: What is being done; empty: as before.
        """


@contextmanager
def progress(
    unit: str, text: str = '', shown: bool = True
) -> Iterator[Advance]:
    """Show how far a command is, on stderr.

    In a terminal it is a bar. Where stderr is a file, or a pipe, a bar would
    be unreadable, and nothing would show that a command is alive: there is a
    line a minute, and none from a command that is done before.

    Args:
        unit: What is counted, such as ``'images'``.
        text: What is being done.
        shown: False shows nothing: of several processes, one speaks.

    Yields:
        What to call with the number that is done.
    """
    console = plain_console(stderr=True, soft_wrap=True)
    if not shown:
        yield lambda done, total, text='': None
    elif not console.is_terminal:
        yield _Lines(unit, text, console)
    else:
        columns = (
            TextColumn('{task.description}', markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            TextColumn('left'),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(text, total=None)

            def advance(done: int, total: int | None, text: str = '') -> None:
                bar.update(task, completed=done, total=total)
                if text:
                    bar.update(task, description=text)

            yield advance


class EveryMinute:
    """Say what goes on, in a log file; a terminal has bars for that.

    Args:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = time.monotonic()

    def __call__(self, text: str) -> None:
        """Print a line, if the last one is a minute old.

        Args:
            text: What goes on.
        """
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last >= LINE_EVERY:
            self._last = now
            self._console.print(text, highlight=False)


class _Lines:
    """A line a minute."""

    def __init__(self, unit: str, text: str, console: Console) -> None:
        self._unit = unit
        self._text = text
        self._begin = time.monotonic()
        self._say = EveryMinute(console)

    def __call__(self, done: int, total: int | None, text: str = '') -> None:
        self._text = text or self._text
        now = time.monotonic()
        words = [f'{self._text}:' if self._text else '', str(done)]
        words += [f'of {total}'] if total else []
        words.append(f'{self._unit}, {(now - self._begin) / 60:.1f} min')
        if total and done:
            left = (now - self._begin) / done * (total - done)
            words.append(f'passed, about {left / 60:.1f} min left')
        self._say(' '.join(filter(None, words)))
