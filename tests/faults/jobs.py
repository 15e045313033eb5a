"""What is killed: the package's long jobs, at the size of a test."""

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch._dynamo  # an optimizer would, in each process
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner, runner

from mmdet_ohem.proposals.make import make_proposals
from mmdet_ohem.proposals.proposal_file import load_proposals
from mmdet_ohem.runs.run_record import read_finished
from mmdet_ohem.tables import TABLES, execute, plan_runs
from tests.figure3.runs import small_config, write_images, write_run
from tests.tables.test_execute import CONFIGS, TEST, Pretended
from tools import analyze_loss

ITERS = 8


@dataclass(frozen=True)
class Job:
    """Something that goes on where it was killed.

    Attributes:
        prepare: Makes what several jobs in several folders read.
        run: Does all, or what is left; given the folder of ``prepare`` and
            its own.
        result: What it has made, as numbers, texts and tensors; same
            arguments.
    """

    prepare: Callable[[Path], object]
    run: Callable[[Path, Path], object]
    result: Callable[[Path, Path], Any]


def training_config(
    data: Path, folder: Path, num_workers: int = 0, **checkpoint: Any
) -> Config:
    """A narrow detector with OHEM, flips and dropout."""
    config = small_config(data / 'data', 'fast_rcnn_vgg16_ohem_voc07')
    config.merge_from_dict(
        dict(
            work_dir=str(folder),
            train_cfg=dict(max_iters=ITERS),
            val_cfg=None,
            val_dataloader=None,
            val_evaluator=None,
            randomness=dict(seed=0),
            resume=True,
            # Of one name there is one in a process.
            experiment_name=str(folder),
            visualizer=dict(name=str(folder)),
        )
    )
    config.train_dataloader.update(
        num_workers=num_workers, persistent_workers=num_workers > 0
    )
    config.default_hooks.logger.interval = 1
    config.default_hooks.checkpoint.update(dict(interval=2) | checkpoint)
    return config


def train(data: Path, folder: Path, **changes: Any) -> None:
    """Train, or go on training, in a process of its own."""
    do_without_texts()
    with DefaultScope.overwrite_default_scope('mmdet'):
        Runner.from_cfg(training_config(data, folder, **changes)).train()


def do_without_texts() -> None:
    """Leave out what takes seconds, and is in no result."""
    Config.pretty_text = property(lambda self: '')
    runner.collect_env = dict


def trained(data: Path, folder: Path, iteration: int = ITERS) -> Any:
    """Weights and momentum of a checkpoint."""
    found = torch.load(folder / f'iter_{iteration}.pth', weights_only=True)
    return dict(weights=found['state_dict'], optimizer=found['optimizer'])


def train_keeping_one(data: Path, folder: Path) -> None:
    """Each checkpoint takes the place of the one before."""
    train(
        data,
        folder,
        type='mmdet_ohem.SafeCheckpointHook',
        max_keep_ckpts=1,
    )


def write_noise(data: Path, num: int = 6) -> None:
    """Images for selective search."""
    rng = np.random.default_rng(0)
    for i in range(num):
        noise = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        big = cv2.resize(noise, (96, 72), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(data / f'{i}.png'), big)


def propose(data: Path, folder: Path, num_workers: int = 1) -> None:
    folder.mkdir(exist_ok=True)
    images = {path.stem: path for path in sorted(data.glob('*.png'))}
    make_proposals(images, folder / 'o.pkl', width=96, num_workers=num_workers)


def propose_with_workers(data: Path, folder: Path) -> None:
    propose(data, folder, 2)


def proposed(data: Path, folder: Path) -> Any:
    found = load_proposals(folder / 'o.pkl')
    assert not list(folder.glob('*.partial*'))
    return {name: list(map(list, x['bboxes'])) for name, x in found.items()}


def write_runs(data: Path) -> None:
    write_images(data / 'data')
    for name in ('baseline', 'ohem'):
        config = small_config(data / 'data')
        write_run(data / name, config, (2, 4))


def analyze(data: Path, folder: Path) -> int:
    runs = [str(data / name) for name in ('baseline', 'ohem')]
    sys.argv = ['x', *runs, '--checkpoints', 'every', '--out', str(folder)]
    return analyze_loss.main()


def analyzed(data: Path, folder: Path) -> Any:
    assert (folder / 'figure3.svg').stat().st_size > 1000
    with (folder / 'losses.csv').open() as file:
        return list(csv.DictReader(file))


# Writes checkpoints as mmengine does, and goes on from the last whole one.
SLOW_TRAINING = """
import sys, time, zipfile
folder, last = sys.argv[1], 0
if len(sys.argv) > 2:
    last = int(sys.argv[2].rpartition('_')[2].removesuffix('.pth'))
for iteration in range(last + 100, 500, 100):
    time.sleep(0.05)
    with zipfile.ZipFile(f'{folder}/iter_{iteration}.pth', 'w') as file:
        for i in range(20):
            file.writestr(str(i), bytes(1000))
            time.sleep(0.005)
"""


@dataclass(frozen=True)
class SlowTraining(Pretended):
    """Starts a program that takes half a second."""

    def train(
        self,
        config: Path,
        work_dir: Path,
        batch_size: int,
        resume_from: Path | None,
    ) -> list[str]:
        last = [] if resume_from is None else [str(resume_from)]
        return [sys.executable, '-c', SLOW_TRAINING, str(work_dir), *last]

    def test(
        self, config: Path, work_dir: Path, checkpoint: Path, out: Path | None
    ) -> list[str]:
        # mmengine names the folder of a test by the time.
        program = TEST.replace('20300101', str(time.time_ns()))
        return [sys.executable, '-c', program, str(work_dir)]


def run_row(data: Path, folder: Path) -> None:
    """A row of a table, whose training and test are pretended."""
    do_without_texts()
    (run,) = plan_runs(TABLES[1], folder, 'demo', [13])
    execute(run, CONFIGS, SlowTraining())


def row(data: Path, folder: Path) -> Any:
    (run,) = plan_runs(TABLES[1], folder, 'demo', [13])
    record = read_finished(run.folder)
    assert record is not None
    return vars(replace(record, seconds=0.0))


JOBS = {
    'training': Job(lambda data: write_images(data / 'data'), train, trained),
    'proposals': Job(write_noise, propose, proposed),
    'proposals, 2 workers': Job(write_noise, propose_with_workers, proposed),
    'analysis': Job(write_runs, analyze, analyzed),
    'row of a table': Job(lambda data: None, run_row, row),
}
