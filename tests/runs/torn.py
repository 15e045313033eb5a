"""Checkpoints that were not written to their end."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mmdet_ohem.runs import checkpoints


def write_checkpoint(path: Path) -> Path:
    """A small checkpoint, as torch writes one; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = dict(weight=torch.ones(30, 30), bias=torch.ones(30))
    torch.save(dict(meta=dict(), state_dict=weights), path)
    return path


def cut(path: Path) -> None:
    """As a process that is killed while it writes, or a full disk."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def empty(path: Path) -> None:
    """As a machine that lost power before anything was on the disk."""
    path.write_bytes(b'')


def replace(path: Path) -> None:
    """As a download that is a page of an error."""
    path.write_text('<html>404</html>')


def lose_directory(path: Path) -> None:
    """All data, but no central directory, which comes last."""
    with zipfile.ZipFile(path) as archive:
        begin = archive.start_dir
    path.write_bytes(path.read_bytes()[:begin])


def lose_directory_block(path: Path) -> None:
    """Of the right size, but the directory never reached the disk."""
    with zipfile.ZipFile(path) as archive:
        begin = archive.start_dir
    whole = path.read_bytes()
    path.write_bytes(whole[:begin] + bytes(len(whole) - begin))


def lose_header(path: Path) -> None:
    """The first bytes never reached the disk, all others did."""
    whole = path.read_bytes()
    path.write_bytes(bytes(64) + whole[64:])


def lose_a_block(path: Path) -> None:
    """Of the right size and form, with zeros for some weights.

    Only the checksum tells; hence it is not in ``TORN``.
    """
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda x: x.file_size)
        begin = archive.read(largest)[64:128]
    whole = path.read_bytes()
    assert whole.count(begin) >= 1 and any(begin)
    path.write_bytes(whole.replace(begin, bytes(len(begin)), 1))


#: Damages that show without reading all of the file.
TORN: dict[str, Callable[[Path], None]] = {
    'cut': cut,
    'empty': empty,
    'another file': replace,
    'no directory': lose_directory,
    'zeros for a directory': lose_directory_block,
    'zeros for a header': lose_header,
}


def hear_warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the reader warns of from now on."""
    messages: list[str] = []
    monkeypatch.setattr(
        checkpoints, 'print_log', lambda text, **_: messages.append(text)
    )
    return messages
