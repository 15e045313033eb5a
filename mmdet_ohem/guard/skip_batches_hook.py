"""A resumed training reads no image that it was trained on already."""

from typing import Any

from mmengine.dist import all_gather_object, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_ohem.host.batch_skipping import (
    NumberedBatches,
    begin_at,
    can_skip,
)
from mmdet_ohem.host.schedules import saves_checkpoint_now
from mmdet_ohem.registry import HOOKS

_KEY = 'batch_position'


@HOOKS.register_module()
class SkipBatchesHook(Hook):
    """Skip batches by their indices where a training is resumed.

    mmengine reads the batches of all earlier iterations once more, images
    and augmentation, so that the data go on as before: minutes late in a
    long training. This hook draws their indices only, and keeps what else
    the data depend on, the random states of the workers, in the checkpoints.
    Together with :class:`RandomStateHook`, which keeps those of the training
    itself, resumed and undisturbed trainings have the same losses.

    Batches and random numbers of a training that is not resumed are those
    that it has without this hook. Trainings that count epochs, other samplers
    than ``InfiniteSampler``, and checkpoints without these states are left to
    mmengine.
    """

    # Before RandomStateHook, which sets its states once the loop has skipped.
    priority = 'ABOVE_NORMAL'

    def __init__(self) -> None:
        self._batches: NumberedBatches | None = None
        self._loaded: list[dict[str, Any]] | None = None
        self._gathered: list[dict[str, Any]] | None = None

    def before_train(self, runner: Runner) -> None:
        """Have the loop begin where the checkpoint was written."""
        loaded, self._loaded = self._loaded, None
        self._batches = None
        if not can_skip(runner):
            return
        num_workers = runner.train_dataloader.num_workers
        if runner.iter == 0:
            # Without workers there is nothing to keep.
            if num_workers:
                self._batches = begin_at(runner, 0, {})
            return
        if loaded is None:
            return
        mine = {}
        if len(loaded) == get_world_size():
            mine = loaded[get_rank()]
        same = mine.get('num_workers') == num_workers
        states = mine['workers'] if same else {}
        self._batches = begin_at(runner, runner.iter, states)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Gather the states of all processes where a checkpoint is due."""
        if can_skip(runner) and saves_checkpoint_now(runner):
            workers = {}
            if self._batches is not None:
                workers = self._batches.worker_states()
            num_workers = runner.train_dataloader.num_workers
            self._gathered = all_gather_object(
                dict(num_workers=num_workers, workers=workers)
            )

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
