"""Runs that are finished, without a training."""

from pathlib import Path

from mmdet_ohem.runs.run_record import RunRecord, write_finished
from mmdet_ohem.tables.run_plan import run_folder

OHEM = 'fast_rcnn_vgg16_ohem_voc07'


def finish(
    work_dir: Path,
    seed: int,
    metrics: dict[str, float],
    data: str = 'full',
    config: str = OHEM,
) -> Path:
    """A finished run; metrics without their prefix."""
    folder = run_folder(work_dir, config, data, seed)
    folder.mkdir(parents=True)
    named = {f'pascal_voc/{key}': x for key, x in metrics.items()}
    write_finished(folder, RunRecord(config, data, seed, 'hash', named))
    return folder
