"""Writes a proposal store, an image at a time."""

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from mmdet_ohem.host.files import replacing
from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.proposal_entries import Entry
from mmdet_ohem.proposals.store_format import (
    FORMAT,
    INDEX,
    box_type,
    head_of,
    index_checksum,
    little_endian,
)

#: Width and height, pixels, by the key of an image.
Sizes = Mapping[str, tuple[int, int]]


def write_store(
    path: str | os.PathLike[str],
    entries: Mapping[str, Entry],
    made_with: Mapping[str, object] | None = None,
    sizes: Sizes | None = None,
) -> None:
    """Write a proposal store in one step: the whole file or none of it.

    The entries are gone through twice and never held together, so that they
    may come from a file or a database.

    Args:
        path: The file; one that is there is replaced, missing folders are
            made.
        entries: Boxes, (n, 4) float32 xyxy edges, finite, and scores, (n,)
            float32, by the key of the image; the store keeps their order.
        made_with: How the boxes were made; values that JSON has.
        sizes: Of the images that are known.

    Raises:
        ValueError: Boxes are not finite; nothing is written.
        OSError: The file cannot be written; the error names it.
    """
    survey = _Survey(path)
    for key, entry in entries.items():
        survey.add(key, entry)
    index = _index(entries, survey.counts, sizes or {})
    total = int(index['offsets'][-1])
    kind = survey.box_type()
    arrays: dict[str, tuple[str, tuple[int, ...]]] = {
        'offsets': ('int64', index['offsets'].shape),
        'boxes': (kind, (total, 4)),
    }
    if survey.has_scores:
        arrays['scores'] = ('float32', (total,))
    for name in ('checksums', 'order', 'sizes', 'keys', 'usable'):
        arrays[name] = (INDEX[name], index[name].shape)
    metadata = {
        'format': FORMAT,
        'corners': 'edges',
        'made_with': json.dumps(dict(made_with or {})),
        # As long as the true one, which is known in the end.
        'checksum': '0' * 64,
    }
    with replacing(path) as temporary, temporary.open('wb') as file:
        _, starts = head_of(arrays, metadata)
        for place, data in _pieces(entries.values(), index, starts, kind):
            file.seek(place)
            file.write(data)
        for name in INDEX:
            file.seek(starts[name])
            file.write(little_endian(index[name], INDEX[name]).tobytes())
        metadata['checksum'] = index_checksum(index, metadata)
        file.seek(0)
        file.write(head_of(arrays, metadata)[0])


class _Survey:
    """What has to be known of all boxes before the first is written."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.counts: list[int] = []
        self.has_scores = False
        self._low = self._high = 0.0
        self._all_whole = True

    def add(self, key: str, entry: Entry) -> None:
        boxes = entry['bboxes']
        self.counts.append(len(boxes))
        if not len(boxes):
            return
        low, high = float(boxes.min()), float(boxes.max())
        if not np.isfinite([low, high]).all():
            raise ValueError(
                f'{self.path} is not written: boxes of {key!r} are not '
                'finite, which makes every loss NaN. Remedy: remove those '
                'boxes'
            )
        self._low, self._high = min(self._low, low), max(self._high, high)
        if self._all_whole:
            self._all_whole = bool((boxes == np.rint(boxes)).all())
        if not self.has_scores:
            self.has_scores = bool(entry['scores'].any())

    def box_type(self) -> str:
        return box_type(self._low, self._high, self._all_whole)


def _index(
    keys: Iterable[str], counts: list[int], sizes: Sizes
) -> dict[str, np.ndarray]:
    """All arrays but boxes and scores; two of them are filled later."""
    names = list(keys)
    encoded = [key.encode('utf-8', 'surrogateescape') for key in names]
    width = max(map(len, encoded), default=0) or 1
    padded = np.array(encoded, f'S{width}')
    offsets = np.zeros(len(names) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return {
        'offsets': offsets,
        'keys': padded.view(np.uint8).reshape(len(names), width),
        'order': padded.argsort(kind='stable').astype(np.int32),
        'sizes': np.array(
            [sizes.get(key, (0, 0)) for key in names], np.int32
        ).reshape(-1, 2),
        'usable': np.zeros(len(names), np.uint8),
        'checksums': np.zeros(len(names), np.uint32),
    }


def _pieces(
    entries: Iterable[Entry],
    index: dict[str, np.ndarray],
    starts: Mapping[str, int],
    kind: str,
) -> Iterator[tuple[int, bytes]]:
    """Boxes and scores as they go into the file, each with its place.

    Their checksums, and whether all fit, are put into the index.
    """
    num_bytes = 4 * np.dtype(kind).itemsize
    for row, entry in enumerate(entries):
        first = int(index['offsets'][row])
        boxes = entry['bboxes']
        data = little_endian(boxes, kind).tobytes()
        yield starts['boxes'] + first * num_bytes, data
        checksum = zlib.crc32(data)
        if 'scores' in starts:
            data = little_endian(entry['scores'], 'float32').tobytes()
            yield starts['scores'] + first * 4, data
            checksum = zlib.crc32(data, checksum)
        index['checksums'][row] = checksum
        width, height = map(int, index['sizes'][row])
        if width > 0 and height > 0:
            _, found = check_boxes(boxes, width, height)
            index['usable'][row] = not any(x.any() for x in found.values())
