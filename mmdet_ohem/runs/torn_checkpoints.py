"""Checkpoints that are not what was to be written.

A process that is killed, or a machine that loses power, leaves a torn
checkpoint: one that ends too early, or whose middle never reached the disk.
torch notices the first with a long error and the second not at all.
"""

import os
import struct
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

#: What zipfile raises where bytes of an archive are wrong.
_BROKEN = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
# How a file begins that is no archive: torch wrote such ones before 1.6.
_PICKLE = b'\x80'
#: For every message about a torn checkpoint.
REMEDY = (
    'Remedy: wait if its training is still writing it; otherwise delete it, '
    'and train on from the checkpoint before it'
)


class TornCheckpointError(ValueError):
    """A checkpoint was asked for that is torn; the message names it."""


def find_flaw(path: Path, thorough: bool = False) -> str | None:
    """Say what is wrong with a checkpoint, without loading it.

    torch writes a zip archive. Its directory comes last, so a file that is
    cut off has none.

    Args:
        path: The file.
        thorough: Whether to read all of it and compare the checksums of the
            archive (a third of a second a GiB, if the disk keeps up). Only
            this finds bytes in the middle that were never written.

    Returns:
        What is wrong; None for a whole checkpoint.
    """
    if path.stat().st_size == 0:
        return 'is empty'
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries:
                # Compares the header in front of the entry with the directory.
                archive.open(entry).close()
            torn = archive.testzip() if thorough else None
    except _BROKEN as error:
        return f'is cut off, or is no checkpoint of torch ({error})'
    if not entries:
        return 'is an archive without content'
    return f'is torn: {torn} has another checksum' if torn else None


def check_checkpoint(path: str | os.PathLike[str]) -> None:
    """Look whether a checkpoint is there and whole, before anything is built.

    Args:
        path: A file; an address in a network is not looked at.

    Raises:
        FileNotFoundError: There is none.
        TornCheckpointError: It is torn, or no checkpoint of torch.
    """
    if '://' in str(path):
        return
    path = Path(path)
    if not path.is_file():
        what = 'is a folder' if path.is_dir() else 'does not exist'
        raise FileNotFoundError(
            f'checkpoint {path} {what}. Remedy: give a file such as '
            'work_dirs/RUN/iter_80000.pth'
        )
    with path.open('rb') as file:
        is_of_old_torch = file.read(1) == _PICKLE
    if not is_of_old_torch:
        refuse_torn(path)


def refuse_torn(path: Path, thorough: bool = False) -> None:
    """Refuse a checkpoint that is torn.

    Args:
        path: The file.
        thorough: As for :func:`find_flaw`.

    Raises:
        TornCheckpointError: It is torn; the message names it.
    """
    if flaw := find_flaw(path, thorough):
        raise TornCheckpointError(f'{path} {flaw}. {REMEDY}')
