"""Attributes of an object that are others for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ABSENT = object()


@contextmanager
def replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Inside, an object has other attributes; afterwards it is as before.

    A method is replaced for this one object: its class, and other objects of
    that class, keep theirs. An attribute that the object had only through its
    class is removed again. This holds also when the body raises.

    Args:
        owner: Any object with a ``__dict__``, such as a module.
        attributes: Values by name. Submodules and parameters of a torch
            module live elsewhere and cannot be replaced so.
    """
    own = vars(owner)
    before = {name: own.get(name, _ABSENT) for name in attributes}
    own.update(attributes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _ABSENT:
                own.pop(name, None)
            else:
                own[name] = value
