"""Tensors as a pickle describes them, checked.

Nothing is allocated by a size that the file only claims: it has to hold the
bytes.

Relies on how a tensor is pickled outside of ``torch.save``, read in torch 2.4
and 2.13: its storage is a file of torch's old format, as bytes.
"""

import io
import math
import pickle
from collections.abc import Sequence
from typing import Any

import torch

from mmdet_ohem.counts import Count


def bytes_of_storage(data: bytes) -> bytes:
    """Stand in for torch's ``_load_from_bytes``.

    Args:
        data: A storage, which :func:`tensor_of_storage` then reads.

    Raises:
        UnpicklingError: It is something else, such as a size to allocate.
    """
    if not isinstance(data, bytes):
        raise pickle.UnpicklingError(f'a tensor of {type(data).__name__}')
    return data


def tensor_of_storage(
    storage: bytes,
    offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    *args: object,
) -> torch.Tensor:
    """Stand in for torch's ``_rebuild_tensor_v2``.

    Args:
        storage: The bytes that ``_load_from_bytes`` is called with.
        offset: Of the first number.
        size: Shape of the tensor.
        stride: From a number to the next, in each dimension.
        *args: Whether it needs a gradient, and hooks: left out.

    Raises:
        ValueError: The storage does not have all numbers.
    """
    numbers = _read_storage(storage)
    last = offset + sum(
        (n - 1) * by for n, by in zip(size, stride, strict=True)
    )
    count = math.prod(size)
    if (
        min((offset, *size, *stride)) < 0
        or count > len(numbers)
        or (count and last >= len(numbers))
    ):
        raise ValueError(
            f'a tensor of size {tuple(size)} and stride {tuple(stride)} has '
            f'{Count(len(numbers)):number}'
        )
    return numbers.as_strided(tuple(size), tuple(stride), offset)


class _StorageUnpickler(pickle.Unpickler):
    """Reads how a storage describes itself."""

    def persistent_load(self, pid: Any) -> Any:
        return pid

    def find_class(self, module: str, name: str) -> Any:
        dtypes = torch.storage._storage_type_to_dtype_map()
        if module != 'torch' or name not in dtypes:
            raise pickle.UnpicklingError(f'a tensor asks for {module}.{name}')
        return dtypes[name]


def _read_storage(data: bytes) -> torch.Tensor:
    """Read a storage in the old format of ``torch.save``, on the CPU."""
    file = io.BytesIO(data)
    # A mark, a version, the machine; the storage; the names of storages.
    *_, described, _ = [_StorageUnpickler(file).load() for _ in range(5)]
    dtype = described[1]
    count = int.from_bytes(file.read(8), 'little')
    numbers = bytearray(file.read())
    if len(numbers) != count * dtype.itemsize:
        raise ValueError(
            f'a tensor of {Count(count):number} has {len(numbers)} bytes'
        )
    if not count:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(numbers, dtype=dtype)
