"""A resumed training goes on as if it had never stopped."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import IterBasedTrainLoop, Runner

from mmdet_ohem.registry import HOOKS

_KEY = 'random_states'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep the random states of a training in its checkpoints.

    When mmengine resumes, an iteration-based loop reads the batches that were
    trained on once more and drops them, so that order and augmentation of the
    data go on as before, given the same ``randomness.seed`` and number of
    workers. Dropout and the samplers of RoIs draw from states that mmengine
    does not keep. This hook keeps them, of every process, and puts them back
    once the batches are skipped; validation, which draws as well, leaves them
    as they were. Resumed and undisturbed trainings then have the same
    weights, as far as the device computes the same twice.

    A checkpoint without states, such as one of a stock config, is resumed as
    mmengine does it.
    """

    # Before CheckpointHook, which saves what is gathered here.
    priority = 'NORMAL'

    def __init__(self) -> None:
        self._gathered: list[dict[str, Any]] | None = None
        self._loaded: list[dict[str, Any]] | None = None
        self._before_val: dict[str, Any] | None = None

    def before_train(self, runner: Runner) -> None:
        """Put the states of the checkpoint back, at the right moment.

        Args:
            runner: The runner of the training.
        """
        states, rank = self._loaded, get_rank()
        self._loaded = None
        loop = runner.train_loop
        # load_from starts anew: its iteration is 0.
        if not states or runner.iter == 0 or rank >= len(states):
            return
        if isinstance(loop, IterBasedTrainLoop):
            loop.dataloader_iterator = _Skipping(
                loop.dataloader_iterator,
                runner.iter,
                lambda: set_random_states(states[rank]),
            )

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Gather the states of all processes where a checkpoint is due.

        Args:
            runner: The runner of the training.
            batch_idx: Iteration of this loop.
            data_batch: Not used.
            outputs: Not used.
        """
        # Saving is the main process's own affair, gathering is everyone's.
        if any(_saves_now(hook, runner) for hook in runner.hooks):
            self._gathered = all_gather_object(get_random_states())

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states.

        Args:
            runner: The runner of the training.
            checkpoint: What is going to be saved.
        """
        if self._gathered is not None:
            checkpoint[_KEY] = self._gathered
            self._gathered = None

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Take the states, if it has any.

        Args:
            runner: The runner of the training.
            checkpoint: What was loaded.
        """
        self._loaded = checkpoint.get(_KEY)

    def before_val(self, runner: Runner) -> None:
        """Remember the states: a resumed training does not validate again.

        Args:
            runner: The runner of the training.
        """
        self._before_val = get_random_states()

    def after_val(self, runner: Runner) -> None:
        """Go on with the states from before.

        Args:
            runner: The runner of the training.
        """
        if self._before_val is not None:
            set_random_states(self._before_val)
            self._before_val = None


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


def get_random_states() -> dict[str, Any]:
    """States of Python's, numpy's and torch's generators.

    Returns:
        Only what ``torch.load`` reads with its protection on.
    """
    generator: Any = np.random.get_state()
    name, keys, *rest = generator
    states = dict(
        python=random.getstate(),
        numpy=(name, torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.get_rng_state(),
    )
    if torch.cuda.is_available():
        states['cuda'] = torch.cuda.get_rng_state()
    return states


def set_random_states(states: dict[str, Any]) -> None:
    """Put the generators into these states.

    Args:
        states: Of ``get_random_states``, on whatever device they were loaded.
    """
    random.setstate(states['python'])
    name, keys, *rest = states['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())


def _saves_now(hook: Hook, runner: Runner) -> bool:
    """Whether a hook saves a checkpoint after this iteration."""
    if not isinstance(hook, CheckpointHook) or hook.by_epoch:
        return False
    last = hook.save_last and hook.is_last_train_iter(runner)
    return last or hook.every_n_train_iters(
        runner, hook.interval, hook.save_begin
    )
