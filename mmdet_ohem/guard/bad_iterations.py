"""Iterations in a row that went wrong, read from the device now and then.

Shapes: ``F`` kinds of flags.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Iteration:
    """What an error can say of an iteration.

    Attributes:
        number: Counted from 1, as in the log.
        lr: Learning rate of the first group of parameters.
        images: Names of its images.
        losses: By name, on the device.
        flags: What went wrong; shape (F,), bool, on the device until it is
            read.
    """

    number: int
    lr: float
    images: list[str]
    losses: dict[str, Tensor]
    flags: Tensor | tuple[bool, ...]


class BadIterations:
    """Keeps iterations until their flags are read.

    Args:
        limit: How many bad ones in a row are too many.

    Attributes:
        num_bad: How many were bad, of all that were read.
        last: The last bad one; None before there is one.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.num_bad = 0
        self.last: Iteration | None = None
        self._unread: list[Iteration] = []
        self._row: list[Iteration] = []

    def __len__(self) -> int:
        """How many are not read yet."""
        return len(self._unread)

    def add(self, iteration: Iteration) -> None:
        """Keep one; the device is not waited for."""
        self._unread.append(iteration)

    def read(self) -> list[Iteration]:
        """Read the flags of all that were added, in one transfer.

        Returns:
            The bad ones in a row, with flags on the host, once there are
            ``limit`` of them; else nothing.
        """
        iterations, self._unread = self._unread, []
        if not iterations:
            return []
        # as_tensor: flags that are unread are tensors.
        flags = torch.stack([torch.as_tensor(x.flags) for x in iterations])
        for iteration, values in zip(iterations, flags.tolist(), strict=True):
            if not any(values):
                self._row.clear()
                continue
            iteration.flags = tuple(values)
            self._row.append(iteration)
            self.num_bad += 1
            self.last = iteration
            if len(self._row) == self.limit:
                return self._row
        return []
