"""How a proposal store is laid out, and what makes a file one.

A store is a file in the safetensors format: a head in JSON, then plain
arrays, which a process maps into its memory and of which it reads what it
needs. For I images with N boxes in all it holds

- ``boxes``, (N, 4): xyxy of all images one behind the other, in the smallest
  of :data:`BOX_TYPES` that holds every number exactly;
- ``scores``, (N,) float32; left out where all are 0;
- ``offsets``, (I + 1,) int64: image i has the boxes
  ``offsets[i]:offsets[i + 1]``;
- ``keys``, (I, L) uint8: the images' names in UTF-8, zeros behind them;
- ``order``, (I,) int32: the images by their names, for looking them up;
- ``sizes``, (I, 2) int32: width and height of each image, pixels; 0 where
  they are not known;
- ``usable``, (I,) uint8: 1 where all boxes of an image of this size have an
  area and lie inside of it, so that they need no second look;
- ``checksums``, (I,) uint32: CRC-32 of the bytes of each image's boxes and
  scores.

The metadata say ``format``, ``corners`` (``edges`` or ``inclusive``, see
:mod:`mmdet_ohem.proposals.box_corners`), ``made_with`` (JSON) and
``checksum``, the SHA-256 of all this but the boxes and the scores.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

FORMAT = 'mmdet_ohem proposals 1'
#: What a store's file name ends with.
SUFFIX = '.safetensors'
#: Number types of boxes, the smallest first.
BOX_TYPES = ('uint16', 'int16', 'float32')
#: The arrays that are read when a store is opened, and their types.
INDEX = {
    'offsets': 'int64',
    'keys': 'uint8',
    'order': 'int32',
    'sizes': 'int32',
    'usable': 'uint8',
    'checksums': 'uint32',
}
_NAMES = {
    'uint8': 'U8',
    'uint16': 'U16',
    'int16': 'I16',
    'int32': 'I32',
    'uint32': 'U32',
    'int64': 'I64',
    'float32': 'F32',
}


def dtype_of(name: str) -> np.dtype:
    """The type of numpy that safetensors calls by another name.

    Args:
        name: Such as ``'U16'``.

    Returns:
        Little-endian.

    Raises:
        ValueError: A store has no numbers of this type.
    """
    for ours, theirs in _NAMES.items():
        if theirs == name:
            return np.dtype(ours).newbyteorder('<')
    raise ValueError(f'numbers of the type {name}')


def box_type(low: float, high: float, all_whole: bool) -> str:
    """Choose the smallest type that holds numbers exactly.

    Args:
        low: The smallest of them.
        high: The largest.
        all_whole: Whether all of them are whole numbers.

    Returns:
        One of :data:`BOX_TYPES`.
    """
    for name in BOX_TYPES[:-1]:
        limits = np.iinfo(name)
        if all_whole and limits.min <= low and high <= limits.max:
            return name
    return BOX_TYPES[-1]


def little_endian(array: np.ndarray, kind: str) -> np.ndarray:
    """Numbers as they stand in a file.

    Args:
        array: Of any type.
        kind: Their type in the file.

    Returns:
        A copy.
    """
    return array.astype(np.dtype(kind).newbyteorder('<'))


def index_checksum(
    index: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> str:
    """Sum up all of a store but its boxes and scores.

    Args:
        index: The arrays of :data:`INDEX`.
        metadata: Of which ``checksum`` does not count.

    Returns:
        A SHA-256, 64 digits.
    """
    digest = hashlib.sha256()
    told = {k: v for k, v in metadata.items() if k != 'checksum'}
    digest.update(json.dumps(told, sort_keys=True).encode())
    for name, kind in INDEX.items():
        array = np.ascontiguousarray(little_endian(index[name], kind))
        digest.update(f'{name} {array.shape}'.encode())
        digest.update(array.data)
    return digest.hexdigest()


def head_of(
    arrays: Mapping[str, tuple[str, tuple[int, ...]]],
    metadata: Mapping[str, str],
) -> tuple[bytes, dict[str, int]]:
    """Make the head of a file in the safetensors format.

    Args:
        arrays: Type and shape by name, in the order in which they stand in
            the file.
        metadata: Any words by name.

    Returns:
        The head, and by name where each array begins in the file.
    """
    entries: dict[str, Any] = {'__metadata__': dict(metadata)}
    starts, end = {}, 0
    for name, (kind, shape) in arrays.items():
        begin = end
        end += int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
        starts[name] = begin
        entries[name] = {
            'dtype': _NAMES[kind],
            'shape': list(shape),
            'data_offsets': [begin, end],
        }
    text = json.dumps(entries).encode()
    # Arrays then begin at addresses that their numbers divide.
    text += b' ' * (-len(text) % 8)
    head = struct.pack('<Q', len(text)) + text
    return head, {name: len(head) + at for name, at in starts.items()}
