"""What a run left behind, as the report of runs shows it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from mmdet_ohem.runs.run_record import read_finished
from mmdet_ohem.runs.trained_run import open_config

#: The mAP of a metric, as 'pascal_voc/mAP' and 'coco/bbox_mAP_50'; that of a
#: class is none.
_HEADLINE = re.compile(r'[^/]+/(\w+_)?mAP(_\w+)?')
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


@dataclass(frozen=True)
class RunData:
    """A run, as far as it has got.

    Attributes:
        folder: mmdet's ``--work-dir``.
        config: As dumped.
        curves: What the training logged, by the name of the scalar.
        validation: Metrics of the validations while training, in [0, 1].
        metrics: What its test came to, in [0, 1]; without a test, its last
            validation.
        measured_by: Where the metrics were found.
        versions: Of the software and hardware it ran on, from its log.
    """

    folder: Path
    config: Config
    curves: Mapping[str, Curve]
    validation: Mapping[str, Curve]
    metrics: Mapping[str, float]
    measured_by: str
    versions: Mapping[str, str]


def read_run(folder: Path) -> RunData:
    """Read config, log and test result of a run.

    Args:
        folder: mmdet's ``--work-dir``; a test's is the same one, or
            ``folder / 'test'``.

    Returns:
        The run. What it lacks is empty.

    Raises:
        FileNotFoundError: It is no run: there is no folder, no config, or
            neither a log nor a test result.
        ValueError: There are several configs, or a log is broken.
    """
    # Nothing is built, so that what the config imports may be missing.
    config = open_config(folder, import_custom_modules=False)
    records = _read_records(folder)
    curves = _training_curves(records)
    validation = {
        name: curve
        for name, curve in _as_curves(
            r for r in records if 'lr' not in r
        ).items()
        if is_headline(name)
    }
    metrics, measured_by = _read_metrics(folder, validation)
    if not (curves or metrics):
        raise FileNotFoundError(
            f'{folder} holds a config, but neither a log '
            '(*/vis_data/scalars.json) nor a test result. Remedy: give the '
            '--work-dir of a training that has logged something, or of a test'
        )
    return RunData(
        folder=folder,
        config=config,
        curves=curves,
        validation=validation,
        metrics=metrics,
        measured_by=measured_by,
        versions=_read_versions(folder),
    )


def read_curves(folder: Path) -> dict[str, Curve]:
    """What the training of a run logged, all starts of it.

    Args:
        folder: mmdet's ``--work-dir``.

    Returns:
        Curves by the name of the scalar; none without a log.

    Raises:
        ValueError: A log is broken.
    """
    return _training_curves(_read_records(folder))


def _training_curves(records: list[dict[str, Any]]) -> dict[str, Curve]:
    """Curves of the lines that a validation did not write."""
    return _as_curves(r for r in records if 'lr' in r)


def is_headline(name: str) -> bool:
    """Whether a scalar is the mAP of a metric."""
    return _HEADLINE.fullmatch(name) is not None


def _read_records(folder: Path) -> list[dict[str, Any]]:
    """The log of all starts: lines of the training and of validations.

    What a start did again replaces what an earlier one had done.
    """
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


def _read_metrics(
    folder: Path, validation: Mapping[str, Curve]
) -> tuple[dict[str, float], str]:
    """The best there is: a finished run's, the newest test's, the log's."""
    finished = read_finished(folder)
    if finished is not None and finished.metrics:
        return _numbers(finished.metrics), 'test, finished.json'
    # mmdet names the file by the time, as the folder: the last is the newest.
    tests = [
        path
        for pattern in ('*/*.json', 'test/*/*.json')
        for path in folder.glob(pattern)
        if path.stem == path.parent.name
    ]
    for path in sorted(tests, key=lambda path: path.stem, reverse=True):
        metrics = _numbers(json.loads(path.read_text()))
        if any(map(is_headline, metrics)):
            return metrics, f'test, {path.relative_to(folder)}'
    last = {name: curve.values[-1] for name, curve in validation.items()}
    return last, 'last validation' if last else ''


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Leave out texts, and -1, which is COCO's for not measured."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, (int, float)) and value >= 0
    }


def _read_versions(folder: Path) -> dict[str, str]:
    """Those of the last start; a run without a log has none."""
    logs = sorted(folder.glob('*/*.log'), key=lambda path: path.stem)
    for path in reversed(logs):
        if found := _VERSIONS.findall(path.read_text(errors='replace')):
            return dict(found)
    return {}
