"""Checkpoints that can be relied on."""

import logging
from pathlib import Path
from typing import Any

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdet_ohem.guard.finite_weights import non_finite_tensors
from mmdet_ohem.guard.last_checkpoint import last_checkpoint
from mmdet_ohem.guard.last_good import last_good_checkpoint
from mmdet_ohem.host.checkpoint_saving import WholeCheckpointHook
from mmdet_ohem.host.resuming import (
    Loading,
    checkpoint_to_load,
    finds_checkpoint_itself,
    purpose_of_loading,
    resume_from,
)
from mmdet_ohem.host.weights_loading import unwrapped
from mmdet_ohem.registry import HOOKS
from mmdet_ohem.runs.torn_checkpoints import refuse_torn


@HOOKS.register_module()
class SafeCheckpointHook(WholeCheckpointHook):
    """mmengine's ``CheckpointHook`` that loses nothing, with the same keys.

    ::

        default_hooks = dict(
            checkpoint=dict(type='mmdet_ohem.SafeCheckpointHook'))

    - A checkpoint appears whole or not at all, and only then are the old
      ones deleted (``max_keep_ckpts``, ``save_best``).
    - A checkpoint whose weights are not finite is not written: the training
      stops.
    - ``--resume`` goes on from the newest readable checkpoint of the work
      dir. A torn one is skipped and named; the note ``last_checkpoint`` may be
      empty or out of date.

    Args:
        *args: Of ``CheckpointHook``.
        **kwargs: Of ``CheckpointHook``.

    Raises:
        FloatingPointError: At the start or where a checkpoint is due: weights
            are not finite.
        TornCheckpointError: At the start: a checkpoint that was asked for is
            torn.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._infinite_from_start: set[str] = set()

    def before_run(self, runner: Runner) -> None:
        """Find the checkpoint to go on from, and see that it is whole."""
        if finds_checkpoint_itself(runner):
            resume_from(runner, _found(runner))
        given = checkpoint_to_load(runner)
        if given is not None and _is_archive(Path(given)):
            refuse_torn(Path(given), thorough=True)

    def before_train(self, runner: Runner) -> None:
        """Look at the weights that the training begins with."""
        super().before_train(runner)
        if purpose_of_loading(runner) is Loading.RESUME and runner.iter:
            self.last_written = checkpoint_to_load(runner)
        model = unwrapped(runner.model)
        broken = non_finite_tensors(model.state_dict())
        learned = dict(model.named_parameters())
        wrong = [name for name in broken if name in learned]
        if wrong:
            raise FloatingPointError(
                f'{_count(wrong)} not finite before the first iteration. '
                'Remedy: look at what load_from, --resume and init_cfg load'
            )
        # A buffer may be a limit, such as -inf in a mask.
        self._infinite_from_start = set(broken)

    def before_save_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Refuse to write weights that are not finite."""
        broken = non_finite_tensors(checkpoint['state_dict'])
        wrong = [x for x in broken if x not in self._infinite_from_start]
        if wrong:
            raise FloatingPointError(
                f'{_count(wrong)} not finite after iteration '
                f'{runner.iter + 1}; this checkpoint is not written. '
                f'{last_good_checkpoint(runner)}. Remedy: lower '
                'optim_wrapper.optimizer.lr or add optim_wrapper.clip_grad, '
                'then go on with --resume'
            )


def _is_archive(path: Path) -> bool:
    """Whether a file is, or should be, one that torch has written since 1.6.

    Addresses on the net and files of an older form are mmengine's to read.
    """
    if not path.is_file():
        return False
    with path.open('rb') as file:
        return file.read(2) in (b'', b'PK')


def _found(runner: Runner) -> str | None:
    """The newest readable checkpoint of the work dir, for all processes."""
    found: list[Any] = [None]
    if is_main_process():
        path = last_checkpoint(Path(runner.work_dir))
        found = [None if path is None else str(path)]
        _say(runner.work_dir, found[0])
    broadcast_object_list(found)
    return found[0]


def _say(work_dir: str, found: str | None) -> None:
    if found is not None:
        text = f'resume: the newest readable checkpoint is {found}'
        level = logging.INFO
    else:
        text = (
            f'resume: {work_dir} holds no readable checkpoint; the training '
            'begins at its first iteration'
        )
        level = logging.WARNING
    print_log(text, logger='current', level=level)


def _count(names: list[str]) -> str:
    """Name the first of some tensors and say how many there are."""
    if len(names) == 1:
        return f'the weights {names[0]} are'
    return f'{len(names)} tensors of weights, the first {names[0]}, are'
