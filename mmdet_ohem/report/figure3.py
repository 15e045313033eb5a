"""Figure 3 of the paper in the report of runs."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmdet_ohem.figure3.loss_sums import KIND_NAMES
from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir


@dataclass(frozen=True)
class Figure3:
    """What ``mmdet-ohem loss`` computed of the runs.

    Attributes:
        curves: Label of the run -> title of the panel -> total loss at the
            checkpoints.
        num_images: That the losses are over.
    """

    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    num_images: int = 0


def read_figure3(folder: Path, runs: Mapping[str, WorkDir]) -> Figure3:
    """Read the loss over all RoIs that ``mmdet-ohem loss`` computed.

    Args:
        folder: Its ``--out``.
        runs: By label; those of other runs are not read.

    Returns:
        Their losses.

    Raises:
        FileNotFoundError: There is no such table.
        ValueError: It has another format, or none of the runs.
    """
    path = folder / 'losses.csv'
    if not path.exists():
        raise FileNotFoundError(
            f'{path} does not exist. Remedy: give the --out of mmdet-ohem loss'
        )
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    columns = {'run', 'iteration', 'num_images', 'stage', 'kind', 'total'}
    if missing := columns - set(rows[0] if rows else ()):
        raise ValueError(
            f'{path} has no column {sorted(missing)}. Remedy: let '
            'mmdet-ohem loss write it again'
        )
    labels = _match_runs({row['run'] for row in rows}, runs)
    if not labels:
        raise ValueError(
            f'{path} has none of these runs, but '
            f'{sorted({row["run"] for row in rows})}. Remedy: give '
            'mmdet-ohem loss the same RUN_DIRs'
        )
    rows = [row for row in rows if row['run'] in labels]
    num_images = max(int(row['num_images']) for row in rows)
    return Figure3(_as_curves(rows, labels), num_images)


def _match_runs(
    found: set[str], runs: Mapping[str, WorkDir]
) -> dict[str, str]:
    """Folder in the table -> label, be one relative and one absolute."""
    labels = {}
    for name in found:
        path = Path(name)
        same = [k for k, x in runs.items() if _same(x.folder, path)]
        ends = [
            label
            for label, run in runs.items()
            if run.folder.resolve().parts[-len(path.parts) :] == path.parts
        ]
        # The table may have been written from another folder.
        for match in same or (ends if len(ends) == 1 else []):
            labels[name] = match
    return labels


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _as_curves(
    rows: Sequence[Mapping[str, str]], labels: Mapping[str, str]
) -> dict[str, dict[str, Curve]]:
    has_stages = len({row['stage'] for row in rows}) > 1
    losses: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        if row['total']:  # empty where there is no such RoI
            title = KIND_NAMES.get(row['kind'], row['kind'])
            if has_stages:
                title += f', stage {row["stage"]}'
            of_run = losses.setdefault(labels[row['run']], {})
            of_run.setdefault(title, {})[int(row['iteration'])] = float(
                row['total']
            )
    return {
        label: {
            title: Curve(sorted(x), [x[step] for step in sorted(x)])
            for title, x in of_run.items()
        }
        for label, of_run in losses.items()
    }
