"""How far an analysis of the loss over all RoIs is."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mmengine.dist import is_main_process


class Progress(NamedTuple):
    """How far an analysis is.

    Attributes:
        checkpoint: Being computed.
        nth: Place of this checkpoint among those that were missing, from 0.
        num_checkpoints: That were missing.
        done: Images of this checkpoint that are done.
        num_images: Images of this checkpoint.
    """

    checkpoint: Path
    nth: int
    num_checkpoints: int
    done: int
    num_images: int


OnProgress = Callable[[Progress], None]


def tell(
    on_progress: OnProgress | None,
    checkpoint: Path,
    nth: int,
    num_checkpoints: int,
    done: int,
    num_images: int,
) -> None:
    """Report progress in the first process, if anybody listens.

    Args:
        on_progress: Who listens.
        checkpoint: As in :class:`Progress`, like the rest.
        nth: Place of the checkpoint.
        num_checkpoints: That were missing.
        done: Images that are done.
        num_images: Of the checkpoint.
    """
    if on_progress and is_main_process():
        on_progress(
            Progress(checkpoint, nth, num_checkpoints, done, num_images)
        )
