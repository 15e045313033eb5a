"""Keeps the boxes of finished images while a proposal file is being made.

An append-only file: a mark, then records of length, checksum and pickled
``(name, value)``; the first record holds the settings. A process killed in
the middle of a record leaves one that is too short or whose checksum is
wrong; it and what follows are cut off when the file is opened again.
"""

import pickle
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

_MARK = b'mmdet_ohem proposals 1\n'
_HEAD = struct.Struct('<QI')


class SettingsMismatchError(ValueError):
    """Boxes on disk were made in another way than those asked for."""


class Journal:
    """The finished images of a run that may have been interrupted.

    Open it with ``with``; it is then in step with its file, and every
    :meth:`add` is handed to the operating system before it returns.

    Args:
        path: The file; made when missing.
        settings: How the boxes are made.

    Raises:
        SettingsMismatchError: The file was written under other settings.
        ValueError: The file is something else; it is left as it is.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self.path = path
        self.boxes: dict[str, np.ndarray] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: one write per record, nothing kept back in this process.
        self._file: BinaryIO = path.open('a+b', buffering=0)
        try:
            self._recover(dict(settings))
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> 'Journal':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, image_id: str, boxes: np.ndarray) -> None:
        """Keeps one image's boxes.

        Args:
            image_id: Name of the image.
            boxes: ``(n, 4)`` float32.
        """
        self.boxes[image_id] = boxes
        self._append((image_id, boxes))

    def remove(self) -> None:
        """Closes and deletes the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _recover(self, settings: dict[str, object]) -> None:
        """Reads the whole records and cuts off a torn end."""
        self._file.seek(0)
        data = self._file.read()
        mark = data[: len(_MARK)]
        if not _MARK.startswith(mark):
            raise ValueError(
                f'{self.path} is in the way: unfinished proposals are kept '
                'there, but it holds something else; move it or choose '
                'another output file'
            )
        records, end = _whole_records(data)
        if not records:
            self._file.truncate(0)
            self._write(_MARK)
            self._append(('settings', settings))
            return
        self._file.truncate(end)
        _, found = records[0]
        if found != settings:
            raise SettingsMismatchError(
                f'{self.path} holds {len(records) - 1} images of an '
                f'unfinished run made with {found}, this run asks for '
                f'{settings}; finish that run with its own settings, delete '
                'the file, or choose another output file'
            )
        self.boxes = dict(records[1:])

    def _append(self, record: tuple[str, object]) -> None:
        payload = pickle.dumps(record, protocol=4)
        self._write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)

    def _write(self, data: bytes) -> None:
        """Writes all of it: an unbuffered write may take only a part."""
        while data:
            data = data[self._file.write(data) :]


def _whole_records(data: bytes) -> tuple[list[tuple[str, Any]], int]:
    """Reads records up to the first torn one.

    Args:
        data: What the file holds, mark included.

    Returns:
        The records, and the number of bytes they and the mark take.
    """
    records = []
    end = len(_MARK)
    while len(data) >= end + _HEAD.size:
        length, checksum = _HEAD.unpack_from(data, end)
        start = end + _HEAD.size
        payload = data[start : start + length]
        if len(payload) < length or zlib.crc32(payload) != checksum:
            break
        records.append(pickle.loads(payload))
        end = start + length
    return records, end
