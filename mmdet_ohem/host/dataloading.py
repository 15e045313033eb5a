"""The batches that a resumed training reads once more.

Relies on ``IterBasedTrainLoop`` of mmengine 0.10.7 taking its batches from
``dataloader_iterator``, and, where it resumes, first of all as many as were
trained on before.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.runner import BaseLoop, IterBasedTrainLoop


def after_skipping(loop: BaseLoop, num: int, then: Callable[[], None]) -> None:
    """Have a function called once a training loop has skipped batches.

    Args:
        loop: Before it runs. One that counts epochs skips nothing: ``then``
            is never called.
        num: How many batches it skips.
        then: Called before the first batch that is trained on is read.
    """
    if isinstance(loop, IterBasedTrainLoop):
        loop.dataloader_iterator = _Skipping(
            loop.dataloader_iterator, num, then
        )


class _Skipping:
    """An iterator that calls ``then`` after ``num`` items, before the next."""

    def __init__(
        self, iterator: Iterator, num: int, then: Callable[[], None]
    ) -> None:
        self._iterator = iterator
        self._left = num
        self._then = then

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        if self._left == 0:
            self._then()
        self._left -= 1
        return next(self._iterator)
