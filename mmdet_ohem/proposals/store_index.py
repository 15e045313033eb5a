"""Reads and checks the index of a proposal store: all but its boxes."""

import json
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from mmdet_ohem.proposals.box_corners import CORNERS
from mmdet_ohem.proposals.store_format import (
    BOX_TYPES,
    FORMAT,
    INDEX,
    dtype_of,
    index_checksum,
)

#: For a store that cannot be read.
REMEDY = 'Remedy: make it again by mmdet-ohem proposals make, or copy it anew'


class StoredArray(NamedTuple):
    """Where an array is in a file.

    Attributes:
        begin: Bytes before it.
        columns: Numbers of a row.
        dtype: Of the numbers.
    """

    begin: int
    columns: int
    dtype: np.dtype


class StoreIndex(NamedTuple):
    """What is known of a store once it is open.

    See :mod:`mmdet_ohem.proposals.store_format`.

    Attributes:
        offsets: (I + 1,) int64.
        keys: Names in UTF-8, (I,).
        order: (I,) int32.
        sizes: (I, 2) int32.
        usable: (I,) bool.
        checksums: (I,) uint32.
        corners: ``'edges'`` or ``'inclusive'``.
        made_with: How the boxes were made.
        checksum: Of all of this.
        arrays: Boxes and, if any, scores.
    """

    offsets: np.ndarray
    keys: np.ndarray
    order: np.ndarray
    sizes: np.ndarray
    usable: np.ndarray
    checksums: np.ndarray
    corners: str
    made_with: dict[str, object]
    checksum: str
    arrays: dict[str, StoredArray]


def read_index(path: Path) -> StoreIndex:
    """Read the index of a store.

    Args:
        path: The file.

    Returns:
        The index, checked.

    Raises:
        ValueError: The file is no store, cut off, or damaged.
    """
    try:
        index = _read(path)
        _check(index)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'proposal file {path} is no proposal store, cut off or '
            f'damaged: {_reason(path, error)}. {REMEDY}'
        ) from error
    return index


def _read(path: Path) -> StoreIndex:
    with safe_open(path, framework='np') as file:
        metadata = file.metadata() or {}
        if metadata.get('format') != FORMAT:
            raise ValueError(
                f'its format is {metadata.get("format")!r}, not {FORMAT!r}'
            )
        found = {name: file.get_tensor(name) for name in INDEX}
    checksum = index_checksum(found, metadata)
    if checksum != metadata.get('checksum'):
        raise ValueError('its index has another checksum than it says')
    keys = np.ascontiguousarray(found['keys'])
    return StoreIndex(
        offsets=found['offsets'],
        keys=keys.view(f'S{keys.shape[1]}')[:, 0],
        order=found['order'],
        sizes=found['sizes'],
        usable=found['usable'].astype(bool),
        checksums=found['checksums'],
        corners=metadata['corners'],
        made_with=json.loads(metadata['made_with']),
        checksum=checksum,
        arrays=_arrays(path, found['offsets']),
    )


def _arrays(path: Path, offsets: np.ndarray) -> dict[str, StoredArray]:
    """Where boxes and scores are; their shapes fit the offsets."""
    with path.open('rb') as file:
        (length,) = struct.unpack('<Q', file.read(8))
        # safe_open has checked this head against the file.
        head = json.loads(file.read(length))
    total = int(offsets[-1]) if len(offsets) else -1
    arrays = {}
    for name, expected in (('boxes', [total, 4]), ('scores', [total])):
        if name == 'scores' and name not in head:
            continue
        dtype, shape = dtype_of(head[name]['dtype']), head[name]['shape']
        kinds = BOX_TYPES if name == 'boxes' else ('float32',)
        if shape != expected or dtype.name not in kinds:
            raise ValueError(
                f'its {name} are of shape {shape} and type {dtype}, its '
                f'offsets end at {total}'
            )
        begin = 8 + length + head[name]['data_offsets'][0]
        arrays[name] = StoredArray(begin, 4 if name == 'boxes' else 1, dtype)
    return arrays


def _check(index: StoreIndex) -> None:
    """Refuse offsets out of range, and a list of names that misleads."""
    num = len(index.keys)
    shapes = [index.offsets.shape, index.order.shape, index.sizes.shape]
    shapes += [index.usable.shape, index.checksums.shape]
    if shapes != [(num + 1,), (num,), (num, 2), (num,), (num,)]:
        raise ValueError(f'its index has the shapes {shapes}')
    if index.corners not in CORNERS:
        raise ValueError(f'its corners are {index.corners!r}')
    if index.offsets[0] != 0 or (np.diff(index.offsets) < 0).any():
        raise ValueError('its offsets are out of range')
    order = index.order
    if num and not 0 <= order.min() <= order.max() < num:
        raise ValueError('its order is out of range')
    seen = np.zeros(num, bool)
    seen[order] = True
    names = index.keys[order]
    if not seen.all() or (names[1:] <= names[:-1]).any():
        raise ValueError('its images are not in the order that it says')


def _reason(path: Path, error: Exception) -> str:
    """What is wrong, in words."""
    with path.open('rb') as file:
        start = file.read(2)
    if start[:1] == b'\x80' and start[1:] in b'\x02\x03\x04\x05':
        return (
            'it is a pickle, of which nothing was run; if it is yours, give '
            'it the suffix .pkl'
        )
    if isinstance(error, KeyError):
        return f'it lacks {error}'
    return str(error)
