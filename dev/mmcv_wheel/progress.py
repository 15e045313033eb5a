"""How far a compilation is, from what ninja prints."""

import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

_STEP = re.compile(r'^\s*\[(\d+)/(\d+)\] ')
_LINE_EVERY = 60.0


def step(line: str) -> tuple[int, int] | None:
    """Read ``[2/6] c++ ...``, which ninja prints behind each finished file.

    Args:
        line: A line of a build, also one that pip has indented.

    Returns:
        How many are done, and of how many; None for any other line.
    """
    found = _STEP.match(line)
    return (int(found[1]), int(found[2])) if found else None


class Progress:
    """Shows a build: one line that changes in a terminal, lines in a log.

    A log gets a line for each part that is compiled, and at least one a
    minute.

    Args:
        name: What is built.
        parts: What is compiled one by one, ``'units'`` or ``'files'``.
        stream: Where to; a terminal is one by its ``isatty``.
        clock: Seconds.
    """

    def __init__(
        self,
        name: str,
        parts: str,
        stream: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.parts = parts
        self.stream = stream
        self.clock = clock
        self.start = clock()
        self.done = 'compiling'
        self.finished = 0
        self._printed = self.start
        self._width = 0

    def line(self, text: str) -> None:
        """Take a line of the build's output."""
        found = step(text)
        if not found:
            self.tick()
            return
        news = found[0] > self.finished
        self.finished, total = found
        self.done = f'{self.finished} of {total} {self.parts} compiled'
        if not self.stream.isatty() and news:
            self._show()
        else:
            self.tick()

    def tick(self) -> None:
        """Call about once a second: shows that time goes by."""
        wait = 1.0 if self.stream.isatty() else _LINE_EVERY
        if self.clock() - self._printed >= wait:
            self._show()

    def end(self) -> None:
        """Leave the terminal's line."""
        if self._width:
            self.stream.write('\n')
            self.stream.flush()
            self._width = 0

    def _show(self) -> None:
        self._printed = self.clock()
        text = f'{self.name}: {self.done}, {self._printed - self.start:.0f} s'
        if self.stream.isatty():
            self.stream.write('\r' + text.ljust(self._width))
            self._width = len(text)
        else:
            self.stream.write(text + '\n')
        self.stream.flush()


def run_shown(
    command: list[str],
    name: str,
    parts: str,
    log: Path,
    env: dict[str, str],
    stream: TextIO = sys.stdout,
) -> bool:
    """Run a build, show how far it is, and keep what it prints.

    Args:
        command: The command.
        name: What it builds.
        parts: What is compiled one by one.
        log: Where its output goes; written over.
        env: Its environment.
        stream: Where progress goes.

    Returns:
        Whether it ended well.
    """
    progress = Progress(name, parts, stream)
    lines: queue.Queue[str | None] = queue.Queue()
    with (
        log.open('w', encoding='utf-8') as kept,
        subprocess.Popen(
            command,
            env=env,
            text=True,
            errors='replace',
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        output = process.stdout
        assert output is not None

        def read() -> None:
            for line in output:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        while True:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                progress.tick()
                continue
            if line is None:
                break
            kept.write(line)
            progress.line(line)
    progress.end()
    return process.returncode == 0
