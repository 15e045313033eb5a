"""Work in a process of its own, which may be killed or run out of disk."""

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import torch

#: Seconds after which a process is taken to hang.
PATIENCE = 120


class Child:
    """A forked process, which saves the imports of a fresh one.

    Args:
        work: What it does.
        log: Gets what it prints.
        largest_file: No file may grow beyond so many bytes, as if the disk
            were full: writing is an error, or kills the process.
        full_disk: Which of both.
    """

    def __init__(
        self,
        work: Callable[[], object],
        log: Path,
        largest_file: int | None = None,
        full_disk: Literal['error', 'kill'] = 'error',
    ) -> None:
        self.log = log

        def run() -> None:
            os.setsid()  # with its own children, to be found and killed
            # To the end: the traceback comes last.
            sys.stdout = sys.stderr = file = log.open('a', buffering=1)
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
            # A forked process cannot start OpenMP threads again.
            torch.set_num_threads(1)
            if largest_file is not None:
                if full_disk == 'kill':
                    # Python ignores this signal, and raises OSError.
                    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                limit = (largest_file, largest_file)
                resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            status = work()
            if isinstance(status, int):
                raise SystemExit(status)

        context = multiprocessing.get_context('fork')
        self.process = context.Process(target=run)
        self.process.start()

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """Exit status, minus a signal's number; None: it still runs."""
        self.process.join(seconds)
        return self.process.exitcode

    def kill(self) -> None:
        """SIGKILL to it alone; its own children have to notice."""
        self.process.kill()
        self.process.join()

    def end(self) -> int:
        """Wait until it ends by itself; fail if it hangs."""
        status = self.wait()
        if status is None:
            self.kill()
            raise AssertionError(f'it hangs:\n{self.printed()}')
        return status

    def printed(self) -> str:
        """What it has printed."""
        return self.log.read_text()[-4000:]

    def leaves_nobody(self, seconds: float = 30) -> bool:
        """Whether its own children end, too; those that do not are killed."""
        group = self.process.pid
        assert group is not None
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        return False


def complete(work: Callable[[], object], log: Path) -> None:
    """Run it to its end, and fail if it does."""
    child = Child(work, log)
    status = child.end()
    assert status == 0, f'exit status {status}:\n{child.printed()}'


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes.

    Args:
        folder: Where it is mounted.
        size: Bytes.

    Yields:
        ``folder``.

    Raises:
        PermissionError: This process may not mount.
    """
    folder.mkdir()
    option = f'size={size}'
    status = os.spawnlp(
        os.P_WAIT,
        'mount',
        *('mount', '-t', 'tmpfs', '-o', option, 'tmpfs', str(folder)),
    )
    if status:
        raise PermissionError(f'mount ended with status {status}')
    try:
        yield folder
    finally:
        os.spawnlp(os.P_WAIT, 'umount', 'umount', '-l', str(folder))
