"""Writes .caffemodel files byte by byte, without any library."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np


def varint(value: int) -> bytes:
    out = b''
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def blob(array: np.ndarray, old: bool, double: bool = False) -> bytes:
    """A BlobProto; an old one has four sizes, with ones in front."""
    if old:
        sizes = (1,) * (4 - array.ndim) + array.shape
        shape = b''.join(number(i + 1, s) for i, s in enumerate(sizes))
    else:
        shape = block(7, block(1, b''.join(map(varint, array.shape))))
    if double:
        return shape + block(8, array.astype('<f8').tobytes())
    # diff, which snapshots may hold as well, is not to be read.
    diff = block(6, struct.pack('<2f', 7, 8))
    return block(5, array.astype('<f4').tobytes()) + diff + shape


def caffemodel(
    layers: Mapping[str, Sequence[np.ndarray]],
    old: bool = False,
    double: bool = False,
) -> bytes:
    """A NetParameter; an old one has V1 layers and blobs of four sizes.

    Between the layers with parameters there are some without, and all have
    fields that say how they are connected.
    """
    name_field, blobs_field, layer_field = (4, 6, 2) if old else (1, 7, 100)
    net = [block(1, b'a network'), block(3, b'data'), number(4, 224)]
    # type: a number in V1, else text; bottom and top.
    connected = number(5, 4) if old else block(2, b'Convolution')
    connected += block(2 if old else 3, b'x') + block(3 if old else 4, b'y')
    for name, arrays in layers.items():
        content = block(name_field, name.encode()) + connected
        for array in arrays:
            content += block(blobs_field, blob(array, old, double))
        net.append(block(layer_field, content))
        net.append(block(layer_field, block(name_field, b'relu') + connected))
    return b''.join(net)
