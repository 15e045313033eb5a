"""Train and test one run, or what is left of it."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from mmengine.config import Config

from mmdet_ohem.host.files import write_text
from mmdet_ohem.runs.checkpoints import checkpoint_path
from mmdet_ohem.runs.console_log import CONSOLE_LOG, ConsoleLog
from mmdet_ohem.runs.detections import DETECTIONS
from mmdet_ohem.runs.metrics import read_test
from mmdet_ohem.runs.run_record import (
    RunRecord,
    write_begun,
    write_finished,
)
from mmdet_ohem.runs.work_dir import WorkDir
from mmdet_ohem.tables.launch import Launch
from mmdet_ohem.tables.profile import FULL, profile_name
from mmdet_ohem.tables.run_plan import Run, config_hash, config_of


class RunError(RuntimeError):
    """A run that cannot go on; the message says why and what to do."""


def execute(
    run: Run,
    configs: Path,
    launch: Launch,
    device: str | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
    check: Callable[[Run, Config], None] = lambda run, config: None,
) -> RunRecord:
    """Do what is missing of a run.

    A finished run is not repeated; an interrupted one goes on from its last
    whole checkpoint. Its folder gets ``given/config.py``, ``run.log``,
    mmengine's files and, whole or not at all, ``finished.json``.

    Args:
        run: Which.
        configs: Folder of the leaf configs.
        launch: How to start trainings.
        device: The GPU to show to its processes; None: all of them.
        on_progress: Called every second with what goes on.
        check: Called before a run that is not finished; it may raise.

    Returns:
        The record of the finished run.

    Raises:
        FileNotFoundError: There is no such profile.
        NotInProfileError: The row means nothing on the profile's data.
        ValueError: Its images cannot be spread over the GPUs.
        RunError: The folder has a run of another config, or the run is going
            on elsewhere, or a command failed.
    """
    config = config_of(run, configs)
    launch.images_per_gpu(config.train_dataloader.batch_size)
    record = record_to_be(run, config)
    work_dir = WorkDir(run.folder)
    refuse_other(work_dir, record)
    finished = work_dir.finished
    if finished is not None:
        return finished
    check(run, config)
    run.folder.mkdir(parents=True, exist_ok=True)
    path = run.folder / 'given' / 'config.py'
    start = time.monotonic()
    with _locked(run.folder) as log:
        call = partial(
            _call,
            log=log,
            env=launch.environment(device),
            on_progress=on_progress,
        )
        write_begun(run.folder, record)
        last = _train(run, config, launch, path, call)
        metrics = _test(run, launch, path, last, call)
    seconds = time.monotonic() - start
    record = replace(record, metrics=metrics, seconds=seconds)
    write_finished(run.folder, record)
    return record


def record_to_be(run: Run, config: Config) -> RunRecord:
    """What identifies a run, before it has any metrics.

    Args:
        run: Which.
        config: Of it.
    """
    return RunRecord(
        str(run.row.name),
        profile_name(run.data),
        run.seed,
        config_hash(config),
    )


def refuse_other(work_dir: WorkDir, record: RunRecord) -> None:
    """A folder is of one config for ever.

    Args:
        work_dir: Of a run that may have begun.
        record: Of the run that is to be there.

    Raises:
        RunError: The folder has a run of another version of the config.
    """
    earlier = work_dir.finished or work_dir.begun
    if earlier is not None and earlier.config_hash != record.config_hash:
        raise RunError(
            f'{work_dir.folder} has a run of another version of '
            f'{record.config} ({earlier.config_hash}, now '
            f'{record.config_hash}). Remedy: delete or rename the folder, or '
            'choose another --work-dir'
        )


@contextmanager
def _locked(folder: Path) -> Iterator[BinaryIO]:
    """The log of a run, which one call at a time may write.

    The lock is on the open file, which the commands inherit as their output:
    it lasts as long as any of them, even if this process is killed.
    """
    # Not at the top: there is none on Windows, where the rest works.
    import fcntl

    with (folder / CONSOLE_LOG).open('ab') as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f'{folder} is being trained by another process, perhaps one '
                'that outlived its table. Remedy: wait for it, or end it, '
                f'and call again (lsof {folder / CONSOLE_LOG} names it)'
            ) from error
        yield log


def _train(
    run: Run,
    config: Config,
    launch: Launch,
    path: Path,
    call: Callable[[list[str]], None],
) -> Path:
    """Train what is left; returns the last checkpoint."""
    # Each start of mmengine writes the config as it is then, with what it
    # resumed from, under the same name into the run's folder.
    if not path.exists():
        write_text(path, config.pretty_text)
    last = checkpoint_path(run.folder, config.train_cfg.max_iters)
    checkpoint = WorkDir(run.folder).last_checkpoint()
    if checkpoint != last:
        size = launch.images_per_gpu(config.train_dataloader.batch_size)
        call(launch.train(path, run.folder, size, checkpoint))
    return last


def _test(
    run: Run,
    launch: Launch,
    config: Path,
    checkpoint: Path,
    call: Callable[[list[str]], None],
) -> dict[str, float]:
    """Test, and read the metrics."""
    work_dir = WorkDir(run.folder)
    # Small, and what the report draws detections from.
    out = None if run.data == FULL else run.folder / DETECTIONS
    before = set(work_dir.find_tests())
    call(launch.test(config, run.folder / 'test', checkpoint, out))
    written = [x for x in work_dir.find_tests() if x not in before]
    if not written:
        raise RunError(f'the test left no metrics in {run.folder / "test"}')
    # Those of an evaluation have a prefix, the times of the test have none.
    return {k: x for k, x in read_test(written[-1]).items() if '/' in k}


def _call(
    command: list[str],
    log: BinaryIO,
    env: Mapping[str, str],
    on_progress: Callable[[str], None],
) -> None:
    """Call a command and watch its log."""
    path = Path(log.name)
    printed = ConsoleLog(path, begin=path.stat().st_size)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=os.environ | env,
    )
    while True:
        try:
            status = process.wait(timeout=1)
            break
        except subprocess.TimeoutExpired:
            on_progress(printed.progress())
    if status:
        raise RunError(
            f'{printed.last_error()} (exit status {status}, see {path})'
        )
