"""Methods and attributes of the host's objects that are others for a while.

All changes that this package makes to such objects are made, and undone, here.
Relies on mmdet 3.3.0 and mmengine 0.10.7 looking methods up on the object at
each call, where an attribute in the object's ``__dict__`` hides the one of its
class; also on modules of torch 2.13, which keep only submodules, parameters
and buffers elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import update_wrapper
from typing import Any


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
    before = _own(owner, attributes)
    vars(owner).update(attributes)
    try:
        yield
    finally:
        _restore(owner, attributes, before)


def in_next_call(
    owner: Any, name: str, context: Callable[[Any], AbstractContextManager]
) -> None:
    """Run the next call of a method inside a context, and no later one.

    The object is as before from the moment on in which the method is called,
    also when it raises. When the object is copied or pickled before that, the
    next call of the copy runs inside a context as well, made for the copy.

    Args:
        owner: Whose method it is.
        name: Of the method.
        context: Makes the context, given the owner; it has to be picklable
            where the owner has to be.
    """
    vars(owner)[name] = _NextCall(owner, name, context)


def listen_to(
    owner: Any, name: str, listener: Callable[..., object]
) -> Callable[[], None]:
    """Have a function called after each call of a method.

    The method returns what it returned before. Several may listen, and stop
    in any order; the object is as before once the last of them has stopped.

    Args:
        owner: Whose method it is.
        name: Of the method.
        listener: Is given the result, then the arguments of the call.

    Returns:
        What to call to stop listening.
    """
    heard = vars(owner).get(name)
    if not isinstance(heard, _HeardMethod):
        heard = _HeardMethod(owner, name)
        vars(owner)[name] = heard
    heard.listeners.append(listener)

    def stop() -> None:
        heard.listeners.remove(listener)
        # Others may have replaced it meanwhile, and will put it back: without
        # a listener it only passes calls on.
        if not heard.listeners and vars(owner).get(name) is heard:
            _restore(owner, [name], heard.before)

    return stop


class _NextCall:
    """Stands in for a method until it is called."""

    def __init__(
        self,
        owner: Any,
        name: str,
        context: Callable[[Any], AbstractContextManager],
    ) -> None:
        self.owner = owner
        self.name = name
        self.context = context
        self.before = _own(owner, [name])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # First of all, so that whatever raises finds the object as before.
        _restore(self.owner, [self.name], self.before)
        with self.context(self.owner):
            return getattr(self.owner, self.name)(*args, **kwargs)


class _HeardMethod:
    """Stands in for a method that others listen to."""

    def __init__(self, owner: Any, name: str) -> None:
        self.method = getattr(owner, name)
        self.before = _own(owner, [name])
        self.listeners: list[Callable[..., object]] = []
        update_wrapper(self, self.method, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.method(*args, **kwargs)
        for listener in tuple(self.listeners):
            listener(result, *args, **kwargs)
        return result


def _own(owner: Any, names: Iterable[str]) -> dict[str, Any]:
    """Attributes that an object has not only through its class."""
    return {name: vars(owner)[name] for name in names if name in vars(owner)}


def _restore(owner: Any, names: Iterable[str], before: dict[str, Any]) -> None:
    """Give an object back its own attributes of these names."""
    for name in names:
        vars(owner).pop(name, None)
    vars(owner).update(before)
