"""Arrays and instances as a pickle describes them, checked.

What describes a value comes in several steps, so that an array first is a
:class:`Pending` one, and is exchanged for the true one in the end. Nothing
is allocated by a size that the file only claims: it has to hold the bytes.

Relies on the layout of these descriptions, read in numpy 1 and 2 and in
mmengine 0.10.7.
"""

import math
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Kinds of numpy's types: numbers and text, no objects and no records.
_KINDS = 'biufcSU'


class Pending:
    """A value that the pickle has not described to its end."""

    __slots__ = ('value',)
    __hash__ = None  # type: ignore[assignment]  # it is no key of a dict
    value: Any


class PickledDtype:
    """A type of numpy, as ``numpy.dtype`` is called in a pickle.

    Args:
        code: Such as ``'f4'``.
        *args: Whether to align and to copy, which changes nothing here.
    """

    __slots__ = ('dtype',)

    def __init__(self, code: str, *args: object) -> None:
        self.dtype = np.dtype(code if isinstance(code, str) else '')
        if self.dtype.kind not in _KINDS or self.dtype.subdtype:
            raise pickle.UnpicklingError(f'an array of {self.dtype}')

    def __setstate__(self, state: Sequence[Any]) -> None:
        # Version, byte order, then what only records have.
        if any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError('an array of records')
        self.dtype = self.dtype.newbyteorder(state[1])


class PickledArray(Pending):
    """An array, as ``_reconstruct`` makes it and a state fills it."""

    __slots__ = ()

    def __setstate__(self, state: Sequence[Any]) -> None:
        _, shape, dtype, in_columns, data = state
        if isinstance(data, str):  # how Python 2 wrote bytes
            data = data.encode('latin1')
        self.value = array_from_buffer(
            data, dtype, shape, 'F' if in_columns else 'C'
        )


class PickledInstances(Pending):
    """mmengine's ``InstanceData``: its fields become a dict."""

    __slots__ = ()

    def __setstate__(self, state: dict[str, Any]) -> None:
        fields = state.get('_data_fields', ())
        self.value = {k: x for k, x in state.items() if k in fields}


def unfinished_array(kind: object, *args: object) -> PickledArray:
    """Stand in for numpy's ``_reconstruct``.

    Args:
        kind: Of the array; subclasses of numpy's are refused.
        *args: An empty shape and type; the state has the true ones.

    Raises:
        UnpicklingError: It is no plain array.
    """
    if kind is not PickledArray:
        raise pickle.UnpicklingError(f'an array of the kind {kind!r}')
    return PickledArray()


def array_from_buffer(
    data: Any, dtype: PickledDtype, shape: Any, order: str = 'C'
) -> np.ndarray:
    """Stand in for numpy's ``_frombuffer``.

    Args:
        data: The bytes of all numbers.
        dtype: Of the array.
        shape: Of the array.
        order: ``'C'`` or ``'F'``.

    Returns:
        The array; it can be written to.

    Raises:
        ValueError: There are more or fewer bytes than the shape needs.
    """
    if not isinstance(dtype, PickledDtype):
        raise pickle.UnpicklingError(f'a type of numpy that is {dtype!r}')
    kind = dtype.dtype
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    num_bytes = math.prod(shape) * kind.itemsize
    if num_bytes != len(data) or min(shape, default=0) < 0:
        raise ValueError(
            f'an array of shape {shape} and type {kind} has {len(data)} bytes'
        )
    array = np.empty(0, kind)
    # Unlike frombuffer, this neither copies large data nor forbids writing.
    state: Any = (1, shape, kind, order == 'F', bytes(data))
    array.__setstate__(state)
    return array


def numpy_scalar(dtype: PickledDtype, data: bytes) -> Any:
    """Stand in for numpy's ``scalar``: a number of a type of numpy.

    Args:
        dtype: Its type.
        data: Its bytes.
    """
    return array_from_buffer(data, dtype, (1,))[0]


def bytes_of_text(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, which protocols 0 to 2 call.

    Args:
        text: The bytes, each as a character.
        encoding: Latin 1; others are refused, since some import a module.

    Raises:
        UnpicklingError: It is another encoding.
    """
    if encoding != 'latin1':
        raise pickle.UnpicklingError(f'bytes in the encoding {encoding!r}')
    return text.encode('latin1')


def no_bytes(*args: object) -> bytes:
    """Stand in for ``bytes``, which protocols 0 to 2 call where it is empty.

    Args:
        *args: Nothing: a number would be a size to allocate.

    Raises:
        UnpicklingError: It is called with something.
    """
    if args:
        raise pickle.UnpicklingError(f'bytes({args[0]!r})')
    return b''


def finish(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """Exchange pending values for the true ones, in all that holds them.

    Args:
        value: What was unpickled; its dicts, lists and sets are changed.
        seen: What was met already, as a value may occur many times.

    Returns:
        The true value.
    """
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)][1]
    # The value is kept as well: without it, its id could be used again.
    seen[id(value)] = value, value
    found = value
    if isinstance(value, Pending):
        # What has no fields at all is given no state.
        found = finish(getattr(value, 'value', {}), seen)
    elif isinstance(value, dict):
        for key, item in value.items():
            value[key] = finish(item, seen)
    elif isinstance(value, list):
        value[:] = [finish(item, seen) for item in value]
    elif type(value) is tuple:
        found = tuple(finish(item, seen) for item in value)
    elif isinstance(value, PickledDtype):
        found = value.dtype
    seen[id(value)] = value, found
    return found
