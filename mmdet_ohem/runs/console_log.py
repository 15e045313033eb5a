"""What the processes of a run print: how far they are, why they failed."""

import re
from dataclasses import dataclass
from pathlib import Path

#: Name of the file in the folder of the run.
CONSOLE_LOG = 'run.log'
_TAIL = 20000  # bytes
_ITERATION = re.compile(rb'Iter\((train|test)\) \[ *(\d+)/ *(\d+)\]')
_ERROR = re.compile(r'^\w*(\.\w+)*(Error|Exception|Interrupt)\b.*')


@dataclass(frozen=True)
class ConsoleLog:
    """What was printed from some moment on.

    Attributes:
        path: The file.
        begin: Where it begins, in bytes from the start of the file.
    """

    path: Path
    begin: int

    def progress(self) -> str:
        """How far mmengine is, such as 'train 100/400'."""
        found = _ITERATION.findall(self._tail())
        if not found:
            return 'starting'
        phase, done, total = (part.decode() for part in found[-1])
        return f'{phase} {done}/{total}'

    def last_error(self) -> str:
        """The line that says why a process failed."""
        lines = self._tail().decode(errors='replace').splitlines()
        # The first of the last traceback's kind is that of mmdet's process,
        # the later one mim's own about it.
        errors = [line for line in lines if _ERROR.match(line)]
        own = [line for line in errors if 'CalledProcessError' not in line]
        return (own or errors or lines or ['it wrote nothing'])[-1].strip()

    def _tail(self) -> bytes:
        with self.path.open('rb') as file:
            file.seek(max(self.begin, self.path.stat().st_size - _TAIL))
            return file.read()
