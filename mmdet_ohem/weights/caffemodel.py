"""Reading ``.caffemodel`` files without Caffe.

They are protocol buffers. This module declares the few messages that it needs,
with the field numbers of ``caffe.proto``; protobuf skips all other fields.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_ohem.counts import Count

_MISSING = (
    'reading a .caffemodel needs protobuf: pip install '
    "'mmdet-ohem[caffe]', or pip install protobuf"
)
# Message -> field -> number, type, repeated; a message's name is a type.
_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    'BlobShape': {'dim': (1, 'int64', True)},
    'BlobProto': {
        # Files until 2014 have these four sizes, later ones have shape.
        'num': (1, 'int32', False),
        'channels': (2, 'int32', False),
        'height': (3, 'int32', False),
        'width': (4, 'int32', False),
        'shape': (7, 'BlobShape', False),
        # Packed floats and doubles. They are declared as the bytes that the
        # file has, so that a hundred million of them need no Python loop.
        'data': (5, 'bytes', True),
        'double_data': (8, 'bytes', True),
    },
    'V1LayerParameter': {
        'name': (4, 'string', False),
        'blobs': (6, 'BlobProto', True),
    },
    'LayerParameter': {
        'name': (1, 'string', False),
        'blobs': (7, 'BlobProto', True),
    },
    'NetParameter': {
        'name': (1, 'string', False),
        'layers': (2, 'V1LayerParameter', True),
        'layer': (100, 'LayerParameter', True),
    },
}


def read_caffemodel(path: Path) -> dict[str, list[np.ndarray]]:
    """Read the parameters of every layer that has some.

    Args:
        path: Binary, of either layer format (``layers`` until 2014,
            ``layer`` since).

    Returns:
        Name of the layer -> its blobs, float32, weight before bias. An old
        file gives every blob four dimensions, with ones in front.

    Raises:
        ImportError: protobuf is not installed.
        FileNotFoundError: There is no such file.
        ValueError: It is no caffemodel, is cut off or contradicts itself.
    """
    net = _new_net()
    content = path.read_bytes()
    try:
        net.ParseFromString(content)
    except Exception as error:
        # DecodeError, whose module is not there without protobuf.
        if type(error).__name__ != 'DecodeError':
            raise
        raise ValueError(
            f'{path} ({len(content)} bytes) is not a .caffemodel, or is cut '
            f'off ({error}). Remedy: compare its size with the original, '
            'and fetch it again'
        ) from error
    layers = {}
    for layer in (*net.layers, *net.layer):
        if layer.blobs:
            layers[layer.name] = [
                _blob_array(blob, f'{path}: blob {i} of layer {layer.name}')
                for i, blob in enumerate(layer.blobs)
            ]
    if not layers:
        raise ValueError(
            f'{path} ({len(content)} bytes) holds no layer with parameters: '
            'it is not a .caffemodel of trained weights'
        )
    return layers


def _blob_array(blob: Any, where: str) -> np.ndarray:
    """A blob as an array; ``where`` begins the message of an error."""
    if blob.HasField('shape'):
        shape = tuple(blob.shape.dim)
    else:
        shape = (blob.num, blob.channels, blob.height, blob.width)
    raw, dtype = b''.join(blob.data), '<f4'
    if not raw:
        raw, dtype = b''.join(blob.double_data), '<f8'
    itemsize = np.dtype(dtype).itemsize
    expected = int(np.prod(shape, dtype=np.int64))
    if len(raw) != expected * itemsize:
        raise ValueError(
            f'{where} has the shape {shape}, of {Count(expected):value}, '
            f'but {len(raw)} bytes, {itemsize} for each: the file is damaged'
        )
    # A copy, since the bytes are read-only and torch wants to write.
    return np.frombuffer(raw, dtype).astype(np.float32).reshape(shape)


def _new_net() -> Any:
    """An empty NetParameter."""
    try:
        return _net_class()()
    except ImportError as error:
        raise ImportError(_MISSING) from error


@cache
def _net_class() -> Any:
    """Build the class of NetParameter from ``_MESSAGES``."""
    from google.protobuf import (
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    file = descriptor_pb2.FileDescriptorProto(
        name='mmdet_ohem/caffemodel.proto',
        package='mmdet_ohem.caffe',
        syntax='proto2',
    )
    field_class = descriptor_pb2.FieldDescriptorProto
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, (number, kind, repeated) in fields.items():
            field = message.field.add(
                name=name,
                number=number,
                label=(
                    field_class.LABEL_REPEATED
                    if repeated
                    else field_class.LABEL_OPTIONAL
                ),
            )
            if kind in _MESSAGES:
                field.type = field_class.TYPE_MESSAGE
                field.type_name = f'.{file.package}.{kind}'
            else:
                field.type = field_class.Type.Value(f'TYPE_{kind.upper()}')
    # A separate pool, since Caffe itself may be imported, too.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f'{file.package}.NetParameter')
    )
