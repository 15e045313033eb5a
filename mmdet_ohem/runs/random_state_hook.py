"""A resumed training goes on as if it had never stopped."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object, get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_ohem.host.dataloading import after_skipping
from mmdet_ohem.host.schedules import saves_checkpoint_now
from mmdet_ohem.registry import HOOKS

_KEY = 'random_states'


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Keep the random states of a training in its checkpoints.

    When a training is resumed, order and augmentation of the data go on as
    before, given the same ``randomness.seed`` and number of workers: mmengine
    reads the batches that were trained on once more and drops them, or
    :class:`~mmdet_ohem.guard.SkipBatchesHook` skips them. Dropout and the
    samplers of RoIs draw from states that mmengine does not keep. This hook
    keeps them, of every process, and puts them back once the batches are
    skipped; validation, which draws as well, leaves them
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
        """Put the states of the checkpoint back, at the right moment."""
        states, rank = self._loaded, get_rank()
        self._loaded = None
        # A training that begins with load_from is at iteration 0.
        if not states or runner.iter == 0 or rank >= len(states):
            return
        after_skipping(
            runner.train_loop,
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
        """Gather the states of all processes where a checkpoint is due."""
        # Only the main process saves, but all of them gather.
        if saves_checkpoint_now(runner):
            self._gathered = all_gather_object(get_random_states())

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states."""
        if self._gathered is not None:
            checkpoint[_KEY] = self._gathered
            self._gathered = None

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Take the states, if it has any."""
        self._loaded = checkpoint.get(_KEY)

    def before_val(self, runner: Runner) -> None:
        """Remember the states: a resumed training does not validate again."""
        self._before_val = get_random_states()

    def after_val(self, runner: Runner) -> None:
        """Go on with the states from before."""
        if self._before_val is not None:
            set_random_states(self._before_val)
            self._before_val = None


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
        states: Of ``get_random_states``, on any device.
    """
    random.setstate(states['python'])
    name, keys, *rest = states['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())
    if 'cuda' in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states['cuda'].cpu())
