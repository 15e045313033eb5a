"""Read numbers from a pickle, and run nothing of it.

A pickle is a program: it names functions, and the reader calls them. Here
each name that is known stands for a function of this module, which rebuilds
an array, a tensor or a plain value and checks what it is given. Every other
name is refused before anything is called.

Relies on how these pickle their values, outside of ``torch.save``: numpy 1
and 2, by ``_reconstruct``, ``scalar`` and ``_frombuffer``; torch 2.4 to 2.13,
by ``_rebuild_tensor_v2`` with ``_load_from_bytes``; mmengine 0.10.7, whose
``InstanceData`` (mmdet's ``DumpProposals`` writes it) becomes a dict.
"""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from mmdet_ohem.host.pickled_tensors import (
    bytes_of_storage,
    tensor_of_storage,
)
from mmdet_ohem.host.pickled_values import (
    PickledArray,
    PickledDtype,
    PickledInstances,
    array_from_buffer,
    bytes_of_text,
    finish,
    no_bytes,
    numpy_scalar,
    unfinished_array,
)

_REMEDY = 'make it again, or get it from someone you trust'


class UnsafePickleError(ValueError):
    """A pickle asks for what could run code; the message names both."""


def read_pickles(
    path: str | os.PathLike[str], at_most: int = 1, remedy: str = _REMEDY
) -> list[Any]:
    """Read the pickles that a file holds one behind the other.

    Args:
        path: The file.
        at_most: How many it may hold.
        remedy: What to do about a file that cannot be read.

    Returns:
        One or more values, as :func:`load`.

    Raises:
        OSError: The file cannot be read, or there is none.
        ValueError: As for :func:`load`, or there is more in the file.
    """
    with Path(path).open('rb') as file:
        values = [load(file, path, remedy)]
        while file.peek(1):
            if len(values) == at_most:
                raise ValueError(
                    f'{os.fspath(path)} holds more behind its '
                    f'{at_most} pickle{"s" * (at_most > 1)}, which may be '
                    f'code. Remedy: {remedy}'
                )
            values.append(load(file, path, remedy))
    return values


def load(
    file: BinaryIO, path: str | os.PathLike[str], remedy: str = _REMEDY
) -> Any:
    """Unpickle one value without running anything of the file.

    Args:
        file: Open for reading; it is read to the end of one pickle.
        path: What an error calls it.
        remedy: What to do about a file that cannot be read.

    Returns:
        Dicts, lists, tuples, sets, strings, numbers, numpy arrays of numbers
        or text, and torch tensors, on the CPU. An ``OrderedDict`` becomes a
        dict, and so does mmengine's ``InstanceData``: its fields by name.

    Raises:
        OSError: Reading fails.
        UnsafePickleError: It asks for any other class or function.
        ValueError: It is damaged, or no pickle.
    """
    try:
        return finish(_Unpickler(file).load())
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f'{os.fspath(path)} asks for {error}, which is none of the '
            'numbers, arrays and plain values that such a file holds: it '
            f'could run code. Nothing was run. Remedy: {remedy}'
        ) from None
    except OSError:
        raise
    # Damaged pickles raise nearly anything.
    except Exception as error:
        raise ValueError(
            f'{os.fspath(path)} is not a readable pickle '
            f'({type(error).__name__}: {error}). Remedy: {remedy}'
        ) from error


class _Known:
    """A function that a pickle may call, and do nothing else with.

    A pickle can also set attributes of what it has named. On an object of
    this class that fails, whereas a function would take them.
    """

    __slots__ = ('_function',)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError('a function is given a state')


def _new_instance(kind: type, *args: Any) -> Any:
    """Stand in for ``copyreg._reconstructor``: old protocols call it."""
    if kind is not PickledInstances:
        raise pickle.UnpicklingError(f'{kind!r} is not made like this')
    return PickledInstances()


def _known_globals() -> dict[str, Any]:
    """What a name in a pickle stands for here."""
    functions: dict[str, Callable[..., Any]] = {
        'collections.OrderedDict': dict,
        'builtins.set': set,
        'builtins.frozenset': frozenset,
        'builtins.complex': complex,
        'builtins.bytes': no_bytes,
        'builtins.object': object,
        '_codecs.encode': bytes_of_text,
        'copyreg._reconstructor': _new_instance,
        'numpy.dtype': PickledDtype,
        'torch.Size': torch.Size,
        'torch.device': torch.device,
        'torch._utils._rebuild_tensor_v2': tensor_of_storage,
        'torch.storage._load_from_bytes': bytes_of_storage,
    }
    # numpy 2 has renamed the module; both names occur in files.
    for core in ('numpy.core', 'numpy._core'):
        functions[f'{core}.multiarray._reconstruct'] = unfinished_array
        functions[f'{core}.multiarray.scalar'] = numpy_scalar
        functions[f'{core}.numeric._frombuffer'] = array_from_buffer
    known: dict[str, Any] = {k: _Known(x) for k, x in functions.items()}
    known['numpy.ndarray'] = PickledArray
    known['mmengine.structures.instance_data.InstanceData'] = PickledInstances
    return known


_KNOWN = _known_globals()
# Python 2's names, which old protocols still write.
_RENAMED = {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}


class _Unpickler(pickle.Unpickler):
    """Finds what :data:`_KNOWN` has, nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        asked = f'{_RENAMED.get(module, module)}.{name}'
        if asked not in _KNOWN:
            raise UnsafePickleError(asked)
        return _KNOWN[asked]
