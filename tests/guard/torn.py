"""Checkpoints that were not written to their end."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


def write_checkpoint(path: Path, time: int = 0) -> Path:
    """A small checkpoint, last changed at this second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = dict(weight=torch.rand(30, 30))
    torch.save(dict(meta=dict(), state_dict=weights), path)
    os.utime(path, (time, time))
    return path


def cut(path: Path) -> None:
    """As a process that is killed while it writes, or a full disk."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def empty(path: Path) -> None:
    """As a machine that lost power before anything was on the disk."""
    path.write_bytes(b'')


def lose_a_block(path: Path) -> None:
    """Of the right size and form, with zeros in the middle."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda x: x.file_size)
        block = archive.read(largest)[64:1024]
    whole = path.read_bytes()
    assert block in whole and any(block)
    path.write_bytes(whole.replace(block, bytes(len(block)), 1))


TEAR: dict[str, Callable[[Path], None]] = dict(
    cut=cut, empty=empty, hole=lose_a_block
)


def tear(how: str, path: Path) -> None:
    """Damage a file, and leave its times as they are."""
    times = path.stat()
    TEAR[how](path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
