"""Folders of trainings that only logged."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

_CONFIG = """
model = dict(
    type='FastRCNN',
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(type='MaxIoUAssigner', neg_iou_thr={bg}),
            sampler=dict(type='{sampler}', num=64))))
train_dataloader = dict(batch_size=2)
work_dir = '{folder}'
"""
_VERSIONS = """2026/01/02 10:00:00 - mmengine - INFO -
    sys.platform: linux
    Python: 3.11.7 (main)
    GPU 0: A Card
    PyTorch: 2.13.0
Runtime environment:
    seed: 0
"""


def train_line(step: int, **scalars: float) -> dict[str, float]:
    """A line of the log of a training."""
    return {'lr': 0.1, 'iter': step, 'step': step, **scalars}


def write_log(
    folder: Path,
    lines: Sequence[Mapping[str, float]],
    start: str = '20260102_100000',
) -> Path:
    """What one start of a training logs; returns the file."""
    path = folder / start / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (folder / start / f'{start}.log').write_text(_VERSIONS)
    return path


def write_test(
    folder: Path, metrics: Mapping[str, float | str], start: str
) -> None:
    """What one test writes."""
    (folder / start).mkdir(parents=True)
    (folder / start / f'{start}.json').write_text(json.dumps(metrics))


def write_logged_run(
    folder: Path,
    lines: Sequence[Mapping[str, float]],
    sampler: str = 'RandomSampler',
    bg: object = (0.1, 0.5),
) -> Path:
    """A work dir with a config and a log."""
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text(
        _CONFIG.format(sampler=sampler, bg=bg, folder=folder.as_posix())
    )
    if lines:
        write_log(folder, lines)
    return folder
