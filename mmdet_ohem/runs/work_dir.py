"""A run on disk: the one reader of a work dir."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_ohem.runs.checkpoints import select_checkpoints
from mmdet_ohem.runs.config_file import read_config
from mmdet_ohem.runs.detections import DETECTIONS, read_detections
from mmdet_ohem.runs.last_checkpoint import last_checkpoint
from mmdet_ohem.runs.metrics import (
    Metrics,
    find_tests,
    is_headline,
    measured,
    read_json,
    read_test,
)
from mmdet_ohem.runs.run_record import RunRecord, read_begun, read_finished
from mmdet_ohem.runs.training_log import (
    Curve,
    TrainingLog,
    read_training_log,
    read_versions,
)

#: What an evaluation server answered: put by hand into the folder of the run.
SERVER = 'server.json'


@dataclass(frozen=True)
class WorkDir:
    """What a training and its tests have left in a folder, so far.

    Config, logs and metrics are read when they are first asked for, and kept;
    checkpoints and records are looked up each time.

    Attributes:
        folder: mmdet's ``--work-dir``; a test's is the same one, or
            ``folder / 'test'``.
        import_custom_modules: Whether the modules that the config imports
            must be there; to build the detector, they must.
    """

    folder: Path
    import_custom_modules: bool = False

    @cached_property
    def config(self) -> Config:
        """As dumped; errors as in :func:`read_config`."""
        return read_config(self.folder, self.import_custom_modules)

    @property
    def curves(self) -> Mapping[str, Curve]:
        """What the training logged, by the name of the scalar."""
        return self._log.curves

    @property
    def validation(self) -> Mapping[str, Curve]:
        """The mAPs of the validations while training, in [0, 1]."""
        return self._log.validation

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """Of the software and hardware it ran on, from its log."""
        return read_versions(self.folder)

    @cached_property
    def metrics(self) -> Metrics:
        """A finished run's, the newest test's, or the last validation's."""
        finished = self.finished
        if finished is not None and finished.metrics:
            return Metrics(measured(finished.metrics), 'test, finished.json')
        for path in reversed(self.find_tests()):
            found = read_test(path)
            if any(map(is_headline, found)):
                where = path.relative_to(self.folder)
                return Metrics(found, f'test, {where}')
        last = {name: x.values[-1] for name, x in self.validation.items()}
        return Metrics(last, 'last validation' if last else '')

    @property
    def finished(self) -> RunRecord | None:
        """The record of the finished run; None where it is not finished."""
        return read_finished(self.folder)

    @property
    def begun(self) -> RunRecord | None:
        """The record of the run since it was begun; None where it was not."""
        return read_begun(self.folder)

    @property
    def server_answer(self) -> Mapping[str, Any] | None:
        """What an evaluation server answered; None where nothing was put."""
        path = self.folder / SERVER
        return read_json(path) if path.exists() else None

    @property
    def has_detections(self) -> bool:
        """Whether its test has kept the detections."""
        return (self.folder / DETECTIONS).exists()

    def read_detections(self) -> list[dict[str, Any]]:
        """Read the detections; see :func:`read_detections`."""
        return read_detections(self.folder / DETECTIONS)

    def find_tests(self) -> list[Path]:
        """Find the files of metrics that tests wrote, the newest last."""
        return find_tests(self.folder)

    def select_checkpoints(
        self, numbers: Sequence[int] | None = None
    ) -> tuple[Path, ...]:
        """Find whole checkpoints; see :func:`select_checkpoints`."""
        return select_checkpoints(self.folder, numbers)

    def last_checkpoint(self) -> Path | None:
        """Find the last whole checkpoint; see :func:`last_checkpoint`."""
        return last_checkpoint(self.folder)

    def check_results(self) -> None:
        """Refuse a folder that is no run, or one without any result.

        Raises:
            FileNotFoundError: There is no folder, no config, or neither a
                log nor a test result.
            ValueError: There are several configs, or a log is broken.
        """
        _ = self.config
        if not (self.curves or self.metrics.values):
            raise FileNotFoundError(
                f'{self.folder} holds a config, but neither a log '
                '(*/vis_data/scalars.json) nor a test result. Remedy: give '
                'the --work-dir of a training that has logged something, or '
                'of a test'
            )

    @cached_property
    def _log(self) -> TrainingLog:
        return read_training_log(self.folder)
