"""What a training logged: curves, validations, versions."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmdet_ohem.runs.metrics import is_headline

#: What the log lists of a run's environment.
_VERSIONS = re.compile(
    r'^ {4}(Python|PyTorch|TorchVision|CUDA Runtime Version|CUDA available'
    r'|NVCC|GPU \S+|OpenCV|MMEngine): (.*)$',
    re.M,
)


class Curve(NamedTuple):
    """One scalar as training goes on.

    Attributes:
        iterations: Ascending.
        values: One each.
    """

    iterations: list[int]
    values: list[float]


class TrainingLog(NamedTuple):
    """What all starts of a training logged.

    Attributes:
        curves: What the training logged, by the name of the scalar.
        validation: mAPs of the validations while training, in [0, 1].
    """

    curves: Mapping[str, Curve]
    validation: Mapping[str, Curve]


def read_training_log(folder: Path) -> TrainingLog:
    """Read the log of all starts of a training.

    Args:
        folder: mmdet's ``--work-dir``.

    Returns:
        The curves; none without a log. What a start did again replaces what
        an earlier one had done.

    Raises:
        ValueError: A log is broken.
    """
    records = _read_records(folder)
    measured = _as_curves(r for r in records if 'lr' not in r)
    return TrainingLog(
        _as_curves(r for r in records if 'lr' in r),
        {name: x for name, x in measured.items() if is_headline(name)},
    )


def read_versions(folder: Path) -> dict[str, str]:
    """Read which software and hardware the last start ran on.

    Args:
        folder: mmdet's ``--work-dir``.

    Returns:
        By name; nothing without a log.
    """
    logs = sorted(folder.glob('*/*.log'), key=lambda path: path.stem)
    for path in reversed(logs):
        if found := _VERSIONS.findall(path.read_text(errors='replace')):
            return dict(found)
    return {}


def _read_records(folder: Path) -> list[dict[str, Any]]:
    """Lines of the training and of validations."""
    records: list[dict[str, Any]] = []
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        added = _at_iterations(_read_lines(path))
        if added:
            first = added[0]['step']
            records = [r for r in records if r['step'] < first]
        records += added
    return records


def _read_lines(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text().splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):  # killed while it wrote
                break
            raise ValueError(
                f'{path}, line {number} is no JSON ({error}). Remedy: '
                'delete that line'
            ) from error
    return records


def _at_iterations(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Place validations, which count epochs, after what was trained."""
    placed, trained = [], 0
    for record in records:
        if 'lr' in record:
            trained = record['step']
        placed.append({**record, 'step': max(record['step'], trained)})
    return placed


def _as_curves(records: Iterable[dict[str, Any]]) -> dict[str, Curve]:
    """A curve for each scalar; repeated iterations count by their last."""
    values: dict[str, dict[int, float]] = {}
    for record in records:
        for name, value in record.items():
            if isinstance(value, (int, float)):
                values.setdefault(name, {})[record['step']] = value
    return {
        name: Curve(sorted(found), [found[step] for step in sorted(found)])
        for name, found in values.items()
    }
