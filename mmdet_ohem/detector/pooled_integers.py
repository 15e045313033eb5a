"""Which parts of a RoI network work on features that are integers."""

from collections.abc import Callable
from typing import Any, TypeVar

_Forward = TypeVar('_Forward', bound=Callable[..., Any])


def on_integers(forward: _Forward) -> _Forward:
    """Mark a ``forward`` whose features may be integers times a step.

    The read-only pass may then give it such integers (uint8): a RoI extractor
    that only compares features, or a box head whose linear layers are the
    first to compute with them. The mark is one of this very method: a
    subclass that has its own ``forward`` has to set it anew.

    Args:
        forward: Of an extractor or a box head.

    Returns:
        The same.
    """
    forward.on_integers = True  # type: ignore[attr-defined]
    return forward
