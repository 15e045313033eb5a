"""Values of a config, looked at where they are given."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    NoneType: ('None', lambda x: x is None),
    bool: ('True or False', lambda x: isinstance(x, bool)),
    str: ('a string', lambda x: isinstance(x, str)),
    int: ('a whole number', lambda x: _is(x, Integral)),
    float: (
        'a finite number',
        lambda x: _is(x, Real) and math.isfinite(x),
    ),
}


def check_values(
    owner: str, function: Callable, values: Mapping[str, Any]
) -> None:
    """Refuse values that are not what a function is annotated with.

    A number in quotes, or nan, would otherwise be found in the first
    iteration, or never.

    Args:
        owner: Named in errors.
        function: A rule, or the constructor of a class.
        values: By parameter. Only ``int``, ``float``, ``bool``, ``str`` and
            None, and unions of these, are looked at.

    Raises:
        TypeError: A value is of another type, or not finite.
    """
    hints = get_type_hints(function)
    for name, value in values.items():
        hint = hints.get(name)
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if not all(kind in _KINDS for kind in kinds):
            continue
        if not any(_KINDS[kind][1](value) for kind in kinds):
            expected = ' or '.join(_KINDS[kind][0] for kind in kinds)
            raise TypeError(
                f'{owner}: {name} is {value!r}, expected {expected}'
            )


def _is(value: Any, kind: type) -> bool:
    """Whether it is a number of a kind; True and False are not."""
    return isinstance(value, kind) and not isinstance(value, bool)


def check_chunk_size(chunk_size: int | None) -> None:
    """Look at a key of a config.

    Args:
        chunk_size: RoIs in one forward pass; None: all.

    Raises:
        ValueError: It is below 1.
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(
            f'chunk_size must be None or at least 1, got {chunk_size}'
        )
