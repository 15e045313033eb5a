"""A pickle that does harm."""

from typing import Any


class Attack:
    """What runs a command where a file is unpickled without care."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.reduced = (function, args)

    def __reduce__(self) -> tuple:
        return self.reduced
