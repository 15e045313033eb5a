"""Files that are written whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file in one step: the whole file appears, or the old one stays.

    The body writes to a temporary file in the same folder. It is flushed to
    the disk and renamed when the body ends, and deleted when the body raises,
    so that neither a full disk nor a killed process leaves half a file under
    the real name. A process that is killed leaves the temporary file, whose
    name ends in ``.tmp``.

    Args:
        path: The file; missing folders are made.

    Yields:
        The temporary file, which does not exist yet.

    Raises:
        OSError: The file cannot be written, for example since the disk is
            full; the error names ``path``.
    """
    path = Path(path)
    temporary = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        # Renaming is atomic only within a file system: hence the same folder.
        os.replace(temporary, path)
        _flush_to_disk(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.filename not in (None, str(temporary), temporary):
            raise  # it names another file, which the body was reading
        if error.errno is None:
            raise OSError(f'{path}: {error}') from error
        raise OSError(error.errno, error.strerror, str(path)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in one step, UTF-8.

    Args:
        path: The file; missing folders are made.
        text: Its content.

    Raises:
        OSError: As for :func:`replacing`.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a JSON file in one step.

    Args:
        path: The file; missing folders are made.
        value: What ``json.dumps`` takes.

    Raises:
        OSError: As for :func:`replacing`.
    """
    write_text(path, json.dumps(value, indent=1) + '\n')


def _flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == 'nt' and path.is_dir():
        return  # Windows opens no folder
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
