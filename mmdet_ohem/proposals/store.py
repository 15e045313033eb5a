"""Reads a proposal store: one file that every process can share.

See :mod:`mmdet_ohem.proposals.store_format` for what it holds.
"""

import mmap
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_ohem.proposals.box_corners import to_edges
from mmdet_ohem.proposals.proposal_entries import Entry
from mmdet_ohem.proposals.store_index import REMEDY, read_index


class ProposalStore(Mapping[str, Entry]):
    """Boxes by the key of an image, read from disk when they are asked for.

    Opening reads the index, some 60 bytes an image; asking for an image reads
    its boxes and compares them with their checksum. The file is mapped, so
    that processes share what the system keeps of it in memory, and its pages
    are given back at once: they do not add up in a process. A store can be
    sent to other processes, which open the file again.

    Args:
        path: The file.

    Attributes:
        path: The file.
        made_with: How the boxes were made.
        sizes: Width and height of each image, pixels, (I, 2) int32; 0 where
            not known.
        usable: Whether all boxes of an image of this size have an area and
            lie inside of it, (I,) bool.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no store, cut off, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(
                f'proposal file {path} does not exist; make it by mmdet-ohem '
                'proposals make or correct the path (mmdet joins a relative '
                'proposal_file to data_root)'
            )
        index = read_index(self.path)
        self.checksum, self.corners = index.checksum, index.corners
        self.made_with: dict[str, object] = index.made_with
        self.sizes, self.usable = index.sizes, index.usable
        self._index = index
        self._file = self.path.open('rb')
        self._size = os.fstat(self._file.fileno()).st_size
        self._mapped = mmap.mmap(
            self._file.fileno(), 0, access=mmap.ACCESS_READ
        )

    def __len__(self) -> int:
        return len(self._index.offsets) - 1

    def __iter__(self) -> Iterator[str]:
        for name in self._index.keys:
            yield name.decode('utf-8', 'surrogateescape')

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.rows_of([key])[0] >= 0

    def __getitem__(self, key: str) -> Entry:
        row = self.rows_of([key])[0] if isinstance(key, str) else -1
        if row < 0:
            raise KeyError(key)
        return self.read(int(row))

    def __deepcopy__(self, memo: dict) -> 'ProposalStore':
        return self  # nothing in it changes

    def __getstate__(self) -> dict[str, Any]:
        return {'path': self.path, 'checksum': self.checksum}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ProposalStore.__init__(self, state['path'])
        if self.checksum != state['checksum']:
            raise ValueError(
                f'proposal file {self.path} was replaced by another one while '
                'a program reads it. Remedy: start that program again'
            )

    def rows_of(self, keys: Iterable[str]) -> np.ndarray:
        """Look images up.

        Args:
            keys: Of K images.

        Returns:
            The row of each, (K,) int64; -1 where the store lacks it.
        """
        encoded = [key.encode('utf-8', 'surrogateescape') for key in keys]
        width = self._index.keys.dtype.itemsize
        # A longer one is none of ours, and would widen all others.
        names = np.array([x[:width] for x in encoded], self._index.keys.dtype)
        if not len(self):
            return np.full(len(names), -1, np.int64)
        places = np.searchsorted(
            self._index.keys, names, sorter=self._index.order
        )
        rows = self._index.order[places.clip(max=len(self) - 1)].astype(
            np.int64
        )
        for at, row in enumerate(rows):
            if self._index.keys[row] != encoded[at]:
                rows[at] = -1
        return rows

    def read(self, row: int) -> Entry:
        """Read the boxes of an image.

        Args:
            row: Of the image.

        Returns:
            ``bboxes``, (n, 4) float32 xyxy edges, and ``scores``, (n,)
            float32, zeros where the store has none.

        Raises:
            ValueError: The file has changed since it was opened, or its
                boxes are damaged.
        """
        first, last = map(int, self._index.offsets[row : row + 2])
        data, boxes = self._slice('boxes', first, last)
        checksum = zlib.crc32(data)
        scores = np.zeros(last - first, np.float32)
        if 'scores' in self._index.arrays:
            data, scores = self._slice('scores', first, last)
            checksum = zlib.crc32(data, checksum)
        if checksum != self._index.checksums[row]:
            key = self._index.keys[row].decode('utf-8', 'replace')
            raise ValueError(
                f'proposal file {self.path}: the boxes of {key!r} have '
                f'another checksum than the file says. {REMEDY}'
            )
        boxes = boxes.reshape(-1, 4)
        if self.corners == 'inclusive':
            boxes = to_edges(boxes)
        return {'bboxes': boxes, 'scores': scores}

    def count(self, row: int) -> int:
        """How many boxes an image has.

        Args:
            row: Of the image.
        """
        return int(self._index.offsets[row + 1] - self._index.offsets[row])

    def is_usable(self, row: int, size: tuple[int, int]) -> bool:
        """Whether all boxes of an image have an area and lie inside of it.

        Args:
            row: Of the image.
            size: Its width and height, pixels.

        Returns:
            False also where the store does not know.
        """
        return bool(self.usable[row]) and tuple(self.sizes[row]) == size

    def _slice(
        self, name: str, first: int, last: int
    ) -> tuple[bytes, np.ndarray]:
        """Bytes and float32 numbers of some rows of an array."""
        begin, columns, kind = self._index.arrays[name]
        width = columns * kind.itemsize
        start, stop = begin + first * width, begin + last * width
        # A page that is no longer there would kill the process.
        if os.fstat(self._file.fileno()).st_size != self._size:
            raise ValueError(
                f'proposal file {self.path} has another size than when it '
                f'was opened. {REMEDY}'
            )
        data = self._mapped[start:stop]
        if stop > start and hasattr(self._mapped, 'madvise'):
            # Else the whole file ends up in the memory of each process. All
            # of it, since the system maps pages around those asked for.
            self._mapped.madvise(mmap.MADV_DONTNEED)
        return data, np.frombuffer(data, kind).astype(np.float32)
