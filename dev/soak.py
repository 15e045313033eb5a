"""Does a long training keep its memory and its open files flat?

Trains a config for some minutes and prints every minute the resident memory
of the process and of its loader workers, and how many files they have open;
at the end the slope of each, by least squares. The first fifth of the time is
left out of the slopes: caches and the allocator fill up in it.
"""

import argparse
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from mmengine.config import Config, DictAction
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich import print

MIB = 2**20


class Reading(NamedTuple):
    """What the processes hold at one moment.

    Attributes:
        minutes: Since the first iteration.
        iteration: Of the training.
        rss: Resident memory of the main process, MiB.
        workers_rss: Of its child processes together, MiB.
        handles: Open files of the main process.
        workers: Number of child processes.
    """

    minutes: float
    iteration: int
    rss: float
    workers_rss: float
    handles: int
    workers: int


class TimeIsUpError(Exception):
    """Ends a training from inside a hook."""


class Watch(Hook):
    """Reads memory and handles while a training goes on."""

    priority = 'LOWEST'

    def __init__(self, minutes: float, interval: float) -> None:
        self.minutes, self.interval = minutes, interval
        self.readings: list[Reading] = []
        self.begin: float | None = None

    def after_train_iter(
        self, runner: Runner, *args: Any, **kwargs: Any
    ) -> None:
        """Take a reading once an interval is over."""
        if self.begin is None:
            self.begin = time.monotonic()
        minutes = (time.monotonic() - self.begin) / 60
        if minutes < len(self.readings) * self.interval:
            return
        self.readings.append(read(minutes, runner.iter + 1))
        print(str(self.readings[-1]))
        if minutes >= self.minutes:
            raise TimeIsUpError


def read(minutes: float, iteration: int) -> Reading:
    """Look at this process and its children now."""
    process = psutil.Process()
    workers = process.children(recursive=True)
    return Reading(
        round(minutes, 2),
        iteration,
        round(process.memory_info().rss / MIB, 2),
        round(sum(x.memory_info().rss for x in workers) / MIB, 2),
        process.num_fds(),
        len(workers),
    )


def slopes(readings: list[Reading]) -> str:
    """Change per hour after the first fifth, and per 10 000 iterations."""
    late = readings[len(readings) // 5 :]
    lines = []
    for x_name, unit, factor in (
        ('minutes', 'per hour', 60),
        ('iteration', 'per 10 000 iterations', 10_000),
    ):
        x = [getattr(reading, x_name) for reading in late]
        for name in ('rss', 'workers_rss', 'handles'):
            y = [getattr(reading, name) for reading in late]
            slope = np.polyfit(x, y, 1)[0] * factor
            lines.append(f'{name}: {slope:+.3f} {unit}')
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', type=Path, help='config of a training')
    parser.add_argument('--work-dir', type=Path, default='work_dirs/soak')
    parser.add_argument('--minutes', type=float, default=20)
    parser.add_argument(
        '--interval', type=float, default=1, help='minutes between readings'
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main() -> None:
    """Train until the time is up; then print the slopes."""
    args = parse_args()
    config = Config.fromfile(args.config)
    config.merge_from_dict(args.cfg_options or {})
    config.work_dir = str(args.work_dir)
    # However fast it is, the training lasts longer than the watch.
    config.train_cfg.max_iters = 10**9
    runner = Runner.from_cfg(config)
    watch = Watch(args.minutes, args.interval)
    runner.register_hook(watch)
    try:
        runner.train()
    except TimeIsUpError:
        print(slopes(watch.readings))


if __name__ == '__main__':
    main()
