"""Checkpoints that are written whole, before the old ones go.

Relies on ``CheckpointHook`` of mmengine 0.10.7 saving every checkpoint in
``_save_checkpoint_with_step`` or ``_save_best_checkpoint``, both through
``Runner.save_checkpoint(out_dir, filename, ...)``, and deleting files through
``file_backend``. It deletes the old ones first, and writes over a file in
place: a process that is killed in between has neither.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmdet_ohem.host.files import replacing, write_text
from mmdet_ohem.host.patching import replaced


class WholeCheckpointHook(CheckpointHook):
    """Writes each checkpoint to a temporary file and renames it.

    Old checkpoints are deleted once the new one and the note
    ``last_checkpoint`` are on the disk. On storage that is not a local disk,
    files are written as mmengine writes them, and deleted later all the same.

    Attributes:
        last_written: The last checkpoint of this process that is on the disk;
            None before there is one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last_written: str | None = None

    def before_train(self, runner: Runner) -> None:
        """Also delete what a killed process left half-written."""
        super().before_train(runner)
        if is_main_process() and self._is_local():
            for path in _leftovers(Path(self.out_dir), self.filename_tmpl):
                path.unlink(missing_ok=True)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict
    ) -> None:
        """Save one checkpoint; afterwards delete those beyond the limit."""
        outdated = self._count(runner, step)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        with self._written_whole(runner):
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
        self.last_written = self.last_ckpt
        if is_main_process():
            note = Path(runner.work_dir) / 'last_checkpoint'
            write_text(note, str(self.last_ckpt))
            for path in outdated:
                _remove(self.file_backend, path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        """Save the best checkpoint; afterwards delete the one before."""
        later = _RemovesLater(self.file_backend)
        with replaced(self, file_backend=later), self._written_whole(runner):
            super()._save_best_checkpoint(runner, metrics)
        later.remove_now()

    def _count(self, runner: Runner, step: int) -> list[str]:
        """Put a checkpoint on the list of those that are kept.

        The checkpoint that is about to be written still lists the outdated
        ones: if the process is killed before they are deleted, mmengine
        deletes them when the training is resumed.
        """
        if self.max_keep_ckpts <= 0:
            return []
        kept = list(self.keep_ckpt_ids)
        if step not in kept[-1:]:
            self.keep_ckpt_ids.append(step)  # drops the first where it is full
            kept.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', kept)
        return [
            self.file_backend.join_path(
                self.out_dir, self.filename_tmpl.format(each)
            )
            for each in kept
            if each not in self.keep_ckpt_ids
        ]

    def _is_local(self) -> bool:
        return isinstance(self.file_backend, LocalBackend)

    @contextmanager
    def _written_whole(self, runner: Runner) -> Iterator[None]:
        """Inside, the runner writes checkpoints to temporary files first."""
        save = runner.save_checkpoint
        # The best checkpoint is followed by a second look at the last one.
        if isinstance(save, _SavesWhole) or not (
            is_main_process() and self._is_local_or_later()
        ):
            yield
            return
        with replaced(runner, save_checkpoint=_SavesWhole(save)):
            yield

    def _is_local_or_later(self) -> bool:
        backend = self.file_backend
        if isinstance(backend, _RemovesLater):
            backend = backend.backend
        return isinstance(backend, LocalBackend)


class _SavesWhole:
    """``Runner.save_checkpoint``, but the file appears whole or not at all."""

    def __init__(self, save: Callable[..., None]) -> None:
        self._save = save

    def __call__(
        self, out_dir: str, filename: str, *args: Any, **kwargs: Any
    ) -> None:
        with replacing(Path(out_dir) / filename) as temporary:
            self._save(out_dir, temporary.name, *args, **kwargs)


class _RemovesLater:
    """A file backend that deletes nothing until it is told to."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self._paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        """Remember a file."""
        self._paths.append(path)

    rmtree = remove

    def remove_now(self) -> None:
        """Delete what was remembered."""
        for path in self._paths:
            _remove(self.backend, path)
        self._paths.clear()


def _remove(backend: Any, path: str) -> None:
    """Delete a checkpoint, which is a folder where DeepSpeed writes it."""
    if backend.isfile(path):
        backend.remove(path)
    elif backend.isdir(path):
        backend.rmtree(path)


def _leftovers(folder: Path, template: str) -> list[Path]:
    """Temporary files of processes that were killed while they saved."""
    name = re.escape(template).replace(re.escape('{}'), r'\d+')
    pattern = re.compile(rf'(best_.*)?{name}\.\d+\.tmp')
    return [x for x in folder.glob('*.tmp') if pattern.fullmatch(x.name)]
