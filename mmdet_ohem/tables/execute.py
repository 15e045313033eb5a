"""Train and test one run, or what is left of it."""

import json
import os
import re
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from mmengine.config import Config

from mmdet_ohem.runs.run_record import (
    RunRecord,
    read_begun,
    read_finished,
    write_begun,
    write_finished,
)
from mmdet_ohem.tables.launch import Launch
from mmdet_ohem.tables.run_plan import Run, config_hash, config_of

LOG = 'run.log'
_ITERATION = re.compile(rb'Iter\((train|test)\) \[ *(\d+)/ *(\d+)\]')
_ERROR = re.compile(r'^\w*(\.\w+)*(Error|Exception|Interrupt)\b.*')


class RunError(RuntimeError):
    """A run that cannot go on; the message says why and what to do."""


def execute(
    run: Run,
    configs: Path,
    launch: Launch,
    device: str | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
) -> RunRecord:
    """Do what is missing of a run.

    A finished run is not repeated; an interrupted one goes on from its last
    checkpoint. Its folder gets ``given/config.py``, ``run.log``, mmengine's
    files and, whole or not at all, ``finished.json``.

    Args:
        run: Which.
        configs: Folder of the leaf configs.
        launch: How to start trainings.
        device: The GPU to show to its processes; None: all of them.
        on_progress: Called every second with what goes on.

    Returns:
        The record of the finished run.

    Raises:
        NoDemoSizeError: The row means nothing on the embedded dataset.
        ValueError: Its images cannot be spread over the GPUs.
        RunError: The folder has a run of another config, or the run is going
            on elsewhere, or a command failed.
    """
    config = config_of(run, configs)
    batch_size = launch.images_per_gpu(config.train_dataloader.batch_size)
    record = RunRecord(
        str(run.row.config), run.data, run.seed, config_hash(config)
    )
    _refuse_other(run.folder, record)
    finished = read_finished(run.folder)
    if finished is not None:
        return finished
    run.folder.mkdir(parents=True, exist_ok=True)
    # Each start of mmengine writes the config as it is then, with what it
    # resumed from, under the same name into the run's folder.
    path = run.folder / 'given' / 'config.py'
    start = time.monotonic()
    with _locked(run.folder) as log:
        write_begun(run.folder, record)
        if not path.exists():
            _dump(config, path)
        last = run.folder / f'iter_{config.train_cfg.max_iters}.pth'
        checkpoint = last_checkpoint(run.folder)
        if checkpoint != last:
            _call(
                launch.train(path, run.folder, batch_size, checkpoint),
                log, device, on_progress,
            )  # fmt: skip
        metrics = _test(run, launch, path, last, log, device, on_progress)
    seconds = time.monotonic() - start
    record = replace(record, metrics=metrics, seconds=seconds)
    write_finished(run.folder, record)
    return record


def last_checkpoint(folder: Path) -> Path | None:
    """The last checkpoint that was written to its end.

    mmengine's own note of the last checkpoint is no help where the process
    was killed while it wrote one of the two.

    Args:
        folder: Of the run.

    Returns:
        The file; None where there is none.
    """
    numbers = {
        int(path.stem.removeprefix('iter_')): path
        for path in folder.glob('iter_*.pth')
        # The directory of a zip file is written last.
        if zipfile.is_zipfile(path)
    }
    return numbers[max(numbers)] if numbers else None


def _dump(config: Config, path: Path) -> None:
    """Write a config, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name('partial.py')
    config.dump(partial)
    os.replace(partial, path)


def _refuse_other(folder: Path, record: RunRecord) -> None:
    """A folder is of one config for ever."""
    earlier = read_finished(folder) or read_begun(folder)
    if earlier is not None and earlier.config_hash != record.config_hash:
        raise RunError(
            f'{folder} has a run of another version of {record.config} '
            f'({earlier.config_hash}, now {record.config_hash}). Remedy: '
            'delete or rename the folder, or choose another --work-dir'
        )


@contextmanager
def _locked(folder: Path) -> Iterator[BinaryIO]:
    """The log of a run, which one call at a time may write.

    The lock is on the open file, which the commands inherit as their output:
    it lasts as long as any of them, even if this process is killed.
    """
    # Not at the top: there is none on Windows, where the rest works.
    import fcntl

    with (folder / LOG).open('ab') as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f'{folder} is being trained by another process, perhaps one '
                'that outlived its table. Remedy: wait for it, or end it, '
                f'and call again (lsof {folder / LOG} names it)'
            ) from error
        yield log


def _test(
    run: Run,
    launch: Launch,
    config: Path,
    checkpoint: Path,
    log: BinaryIO,
    device: str | None,
    on_progress: Callable[[str], None],
) -> dict[str, float]:
    """Test, and read the metrics."""
    folder = run.folder / 'test'
    # Small, and what the pictures of the demo's report are made from.
    out = folder / 'detections.pkl' if run.data == 'demo' else None
    before = set(folder.glob('*/*.json'))
    command = launch.test(config, folder, checkpoint, out)
    _call(command, log, device, on_progress)
    written = sorted(set(folder.glob('*/*.json')) - before)
    if not written:
        raise RunError(f'the test left no metrics in {folder}')
    logged = json.loads(written[-1].read_text())
    # Those of an evaluation have a prefix, the times of the test have none.
    return {key: value for key, value in logged.items() if '/' in key}


def _call(
    command: list[str],
    log: BinaryIO,
    device: str | None,
    on_progress: Callable[[str], None],
) -> None:
    """Call a command and watch its log."""
    env = dict(os.environ)
    if device is not None:
        env['CUDA_VISIBLE_DEVICES'] = device
    path = Path(log.name)
    begin = path.stat().st_size
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
    )
    while True:
        try:
            status = process.wait(timeout=1)
            break
        except subprocess.TimeoutExpired:
            on_progress(_last_iteration(path, begin))
    if status:
        raise RunError(
            f'{_last_error(path, begin)} (exit status {status}, see {path})'
        )


def _tail(path: Path, begin: int, size: int = 20000) -> bytes:
    """The end of what was written since ``begin``."""
    with path.open('rb') as file:
        file.seek(max(begin, path.stat().st_size - size))
        return file.read()


def _last_iteration(path: Path, begin: int) -> str:
    found = _ITERATION.findall(_tail(path, begin))
    if not found:
        return 'starting'
    phase, done, total = (part.decode() for part in found[-1])
    return f'{phase} {done}/{total}'


def _last_error(path: Path, begin: int) -> str:
    lines = _tail(path, begin).decode(errors='replace').splitlines()
    # The first of the last traceback's kind is that of mmdet's process, the
    # later one mim's own about it.
    errors = [line for line in lines if _ERROR.match(line)]
    own = [line for line in errors if 'CalledProcessError' not in line]
    return (own or errors or lines or ['it wrote nothing'])[-1].strip()
