"""Files that would run code, were they read without care."""

import os
import pickle
from pathlib import Path
from typing import Any


class Attack:
    """Makes a folder when it is unpickled: the mark that code was run."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.mark,)


def would_run(data: bytes, mark: Path) -> bool:
    """Whether the first pickle is a true attack, so that a test has sense.

    Args:
        data: The pickle.
        mark: Of the :class:`Attack`; it is gone afterwards.
    """
    pickle.loads(data)
    found = mark.exists()
    if found:
        mark.rmdir()
    return found
