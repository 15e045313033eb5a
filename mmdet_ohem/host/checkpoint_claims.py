"""Refuse a checkpoint that claims more than it holds, before it is loaded.

A checkpoint of a kilobyte can ask for a tensor of gigabytes, or unpack to
them. Its pickles are gone through without building anything: each size that
is asked for must fit into the file.

Relies on the two formats of ``torch.save``, read in torch 2.4 and 2.13: an
archive with ``data.pkl`` and a record a storage, not compressed; and, before
torch 1.6, five pickles with the storages behind them. Sizes are arguments
of calls, or of persistent ids ``('storage', type, key, device, numbers)``.
"""

import io
import math
import os
import pickle
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import torch

# They describe a part of a storage, whose size is looked at by itself.
_REBUILDS = 'torch._utils._rebuild_'
# How an archive begins.
_ARCHIVE = b'PK\x03\x04'
# Of the old format: a mark, a version, the machine, and then the content.
_OLD_PICKLES = 5


class _ClaimError(ValueError):
    """More is asked for than the file holds."""


def refuse_claims(path: str | os.PathLike[str]) -> None:
    """Refuse a checkpoint whose loading takes more memory than its size.

    Args:
        path: A file of ``torch.save``.

    Raises:
        OSError: It cannot be read.
        ValueError: It asks for more than it holds, or is damaged.
    """
    try:
        with open(path, 'rb') as file:
            limit = os.fstat(file.fileno()).st_size
            # As torch tells them apart: a file could be both.
            is_archive = file.read(len(_ARCHIVE)) == _ARCHIVE
            file.seek(0)
            if is_archive:
                _check_archive(file, limit)
            else:
                _check_old(file, limit)
    except OSError:
        raise
    except _ClaimError as error:
        raise ValueError(
            f'{os.fspath(path)} has {limit} bytes, but {error}: it is '
            'damaged, or made to use up the memory. Nothing of it was loaded. '
            'Remedy: get it again, from someone you trust'
        ) from None
    # Damaged pickles and archives raise nearly anything.
    except Exception as error:
        reason = str(error).partition('\n')[0]
        raise ValueError(
            f'{os.fspath(path)} is not a checkpoint of torch, or is cut off '
            f'({type(error).__name__}: {reason}). Remedy: get it again; wait '
            'if its training is still writing it'
        ) from error


def _check_archive(file: BinaryIO, limit: int) -> None:
    with ZipFile(file) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        if len(entries) < len(archive.infolist()):
            raise BadZipFile('two records have the same name')
        packed = [x for x in entries.values() if x.compress_type != ZIP_STORED]
        total = sum(entry.file_size for entry in entries.values())
        if packed or total > limit:
            raise _ClaimError(f'its records unpack to {total} bytes')
        (pickled,) = (
            x for x in entries if x.count('/') == 1 and x.endswith('/data.pkl')
        )
        folder = pickled.removesuffix('.pkl')
        sizes = {
            name.removeprefix(f'{folder}/'): entry.file_size
            for name, entry in entries.items()
            if name.startswith(f'{folder}/')
        }
        _Inspector(io.BytesIO(archive.read(pickled)), limit, sizes).load()


def _check_old(file: BinaryIO, limit: int) -> None:
    inspectors = []
    for _ in range(_OLD_PICKLES):
        inspectors.append(_Inspector(file, limit))
        inspectors[-1].load()
    total = sum(sum(x.storages.values()) for x in inspectors)
    if total > limit:
        raise _ClaimError(f'its tensors have {total}')


class _Inspector(pickle._Unpickler):
    """Goes through a pickle and builds nothing that it asks for.

    The one written in Python: that in C reserves memory for whatever number
    of objects a file says that it has.

    Args:
        file: Open for reading.
        limit: Bytes of the whole file.
        sizes: Bytes of each record, by key; None: there are no records.

    Attributes:
        storages: Bytes that were asked for, by key.
    """

    def __init__(
        self,
        file: BinaryIO,
        limit: int,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(file)
        self.limit, self.sizes = limit, sizes
        self.storages: dict[str, int] = {}

    def persistent_load(self, pid: Any) -> Any:
        """Compare a storage with its record, or with the whole file."""
        if pid[0] != 'storage':  # 'module': the source of a class, as text
            return None
        _, kind, key, _, count = pid[:5]
        size = count * _itemsize(kind.asked)
        held = self.limit if self.sizes is None else self.sizes.get(key, 0)
        if not 0 <= size <= held:
            raise _ClaimError(f'a tensor of {size} bytes is asked for')
        self.storages[key] = size
        return None

    def find_class(self, module: str, name: str) -> Any:
        """Whatever it asks for, give what does nothing."""
        keys = dict(asked=f'{module}.{name}', limit=self.limit)
        return type('_Asked', (_Nothing,), keys)


class _Nothing:
    """Stands for each class, function and value; compares sizes only."""

    asked: str
    limit: int

    def __new__(cls, *args: Any) -> '_Nothing':
        if not cls.asked.startswith(_REBUILDS):
            for size in _sizes(args):
                if size > cls.limit:
                    raise _ClaimError(f'{cls.asked} is called with {size}')
        return super().__new__(cls)

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        """Take an item, as a list would, and forget it."""

    extend = add = append


def _sizes(value: Any) -> Iterator[int]:
    """Numbers that may be sizes, and the products of shapes."""
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, tuple | list):
        if value and all(isinstance(x, int) for x in value):
            yield abs(math.prod(value))
        for item in value:
            yield from _sizes(item)


def _itemsize(storage: str) -> int:
    """Bytes of a number in a storage, such as ``torch.FloatStorage``."""
    dtypes = torch.storage._storage_type_to_dtype_map()
    dtype = dtypes.get(storage.removeprefix('torch.'))
    return dtype.itemsize if dtype is not None else 1
