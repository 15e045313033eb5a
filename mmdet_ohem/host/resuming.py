"""From which checkpoint a runner goes on, and what it loads one for.

Relies on ``Runner`` of mmengine 0.10.7: ``train``, ``val`` and ``test`` build
their loop, call the hooks' ``before_run`` and only then ``load_or_resume``,
which looks at ``_resume``, ``_load_from`` and ``_has_loaded``, and reads the
note ``last_checkpoint`` where there is no ``_load_from``.
"""

from enum import Enum
from typing import Any

from mmengine.runner import BaseLoop, Runner


class Loading(Enum):
    """What a checkpoint is loaded for."""

    RESUME = 'resume'
    FINE_TUNE = 'load_from'
    TEST = 'test'


def purpose_of_loading(runner: Runner) -> Loading:
    """What a runner loads a checkpoint for.

    Args:
        runner: From its hooks' ``before_run`` on.

    Returns:
        The purpose. A runner that trained and tests afterwards has its
        weights, and loads none.
    """
    # Before it is built, a loop is its config.
    if not isinstance(runner._train_loop, BaseLoop):
        return Loading.TEST
    return Loading.RESUME if runner._resume else Loading.FINE_TUNE


def checkpoint_to_load(runner: Runner) -> str | None:
    """The checkpoint that a runner was given.

    Args:
        runner: From its hooks' ``before_run`` on.

    Returns:
        A path or an address; None if it was given none.
    """
    return runner._load_from


def finds_checkpoint_itself(runner: Runner) -> bool:
    """Whether a runner is to go on from the last checkpoint it finds.

    Args:
        runner: In its hooks' ``before_run``.
    """
    return bool(
        runner._resume and runner._load_from is None and not runner._has_loaded
    )


def resume_from(runner: Runner, checkpoint: str | None) -> None:
    """Have a runner go on from a checkpoint.

    Args:
        runner: In its hooks' ``before_run``.
        checkpoint: Which; None has it begin at the beginning.
    """
    runner._load_from = checkpoint
    runner._resume = checkpoint is not None


def dataset_in_use(runner: Runner) -> Any:
    """The dataset that a runner trains, validates or tests on.

    Args:
        runner: From its hooks' ``before_run`` on.

    Returns:
        Of a training, that of the training; None before any loop is built.
    """
    for loop in (runner._train_loop, runner._test_loop, runner._val_loop):
        if isinstance(loop, BaseLoop):
            return loop.dataloader.dataset
    return None
