"""Runs that differ in their seed alone, as one line of a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev

from mmdet_ohem.evaluation.false_positives import DECOY, KINDS
from mmdet_ohem.evidence.errors import (
    PREFIX,
    RECALLS,
    error_key,
    error_metrics,
)
from mmdet_ohem.evidence.statistics import compare_seeds
from mmdet_ohem.report.tables import NOT_KNOWN, Table
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.metrics import is_headline
from mmdet_ohem.runs.work_dir import WorkDir

_TIME = 'time'


@dataclass(frozen=True)
class SeedGroup:
    """Runs of one config.

    Attributes:
        label: How it samples.
        runs: By seed.
    """

    label: str
    runs: Mapping[int, WorkDir]


def group_by_seed(runs: Sequence[WorkDir]) -> list[SeedGroup]:
    """Put runs together that differ in nothing but their seed.

    Args:
        runs: At least one.

    Returns:
        In the order of the first run of each. Of two runs of one seed, each
        is a group of its own.
    """
    found: dict[str, dict[int, WorkDir]] = {}
    for run in runs:
        seed = _seed(run)
        key = _without_seed(run)
        while seed in found.get(key, {}):
            key += '+'
        found.setdefault(key, {})[seed] = run
    first = [next(iter(group.values())) for group in found.values()]
    labels = label_runs(
        [x.config for x in first], [x.folder.resolve() for x in first]
    )
    return [
        SeedGroup(label, dict(sorted(group.items())))
        for label, group in zip(labels, found.values(), strict=True)
    ]


def seeds_table(
    groups: Sequence[SeedGroup], with_errors: bool = False
) -> Table:
    """Mean and standard deviation over the seeds.

    Args:
        groups: Of the runs. The others are compared with the first one, by a
            paired t test over the seeds that both have.
        with_errors: Count false positives at equal recall, from the
            detections that the tests have kept; their data must be in place.

    Returns:
        A row a group. Columns that no run fills are left out.

    Raises:
        ValueError: Detections are not of the data.
        OSError: The data cannot be read.
    """
    values = [
        {seed: _numbers(run, with_errors) for seed, run in group.runs.items()}
        for group in groups
    ]
    names = dict.fromkeys(
        name for group in values for run in group.values() for name in run
    )
    rows = [
        [
            group.label,
            str(len(group.runs)),
            *(_cell(ours, values[0], name) for name in names),
        ]
        for group, ours in zip(groups, values, strict=True)
    ]
    return Table(['run', 'seeds', *map(_title, names)], rows)


def _seed(run: WorkDir) -> int:
    return int((run.config.get('randomness') or {}).get('seed') or 0)


def _without_seed(run: WorkDir) -> str:
    """The config as text, without what the seed and the place decide."""
    settings = run.config.to_dict()
    settings.pop('work_dir', None)
    settings.pop('randomness', None)
    return json.dumps(settings, sort_keys=True, default=repr)


def _numbers(run: WorkDir, with_errors: bool) -> dict[str, float]:
    """Each mAP in percent, seconds an iteration, false positives an image."""
    found = {
        name: 100 * value
        for name, value in run.metrics.values.items()
        if is_headline(name)
    }
    if _TIME in run.curves:
        found[_TIME] = median(run.curves[_TIME].values)
    errors = error_metrics(run) if with_errors else {}
    for recall in RECALLS:
        for kind in (DECOY, *KINDS):
            name = error_key(kind, recall)
            if name in errors:
                found[name] = errors[name]
    return found


def _cell(
    ours: Mapping[int, Mapping[str, float]],
    base: Mapping[int, Mapping[str, float]],
    name: str,
) -> str:
    found, theirs = (
        {seed: run[name] for seed, run in group.items() if name in run}
        for group in (ours, base)
    )
    if not found:
        return NOT_KNOWN
    digits = 3 if name == _TIME else 2 if name.startswith(PREFIX) else 1
    text = f'{mean(found.values()):.{digits}f}'
    if len(found) > 1:
        text += f' ± {stdev(found.values()):.{digits}f}'
    p_value = compare_seeds(found, theirs).p_value
    if ours is base or p_value is None or name == _TIME:
        return text
    return f'{text} (p {p_value:.3f})'


def _title(name: str) -> str:
    """'mAP, %', or 'FPs an image, decoy, 60 % found'."""
    if name == _TIME:
        return 's / iteration, median'
    if not name.startswith(PREFIX):
        return f'{name.partition("/")[2]}, %'
    kind, _, recall = name.removeprefix(PREFIX).partition('@')
    return f'FPs an image, {kind}, {recall} % found'
