"""The tables of the report of runs."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from statistics import mean, median
from typing import Any

import mmcv
import mmdet
import mmengine
import torch

from mmdet_ohem.figure3.loss_sums import ALL, KIND_NAMES
from mmdet_ohem.runs.metrics import is_headline
from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir
from mmdet_ohem.version import __version__

NOT_KNOWN = '–'
#: Where a run went, not what it did.
_PLACES = ('work_dir',)


@dataclass(frozen=True)
class Table:
    """Cells of a table.

    Attributes:
        header: Of the columns.
        rows: As long as the header each.
        left_out: Columns that nothing is known of.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left_out: Sequence[str] = ()

    def transposed(self) -> 'Table':
        """A column for each row."""
        columns = list(zip(self.header, *self.rows, strict=True))
        if not columns:
            return self
        return Table(columns[0], columns[1:], self.left_out)


def results_table(
    runs: Mapping[str, WorkDir], losses: Mapping[str, Mapping[str, Curve]]
) -> Table:
    """The results of the runs: mAP, time, what was sampled.

    Args:
        runs: By label.
        losses: Loss over all RoIs, by label and kind of RoIs.

    Returns:
        A row a run. Columns that no run fills are left out, and named.
    """
    columns: dict[str, list[str]] = {
        f'{_metric(name)}, %': [
            _cell(run.metrics.values.get(name), 100, '.1f')
            for run in runs.values()
        ]
        for name in _headlines(runs) or ['metric/mAP']
    }
    columns['iterations'] = [
        _cell(_last_iteration(run), 1, 'd') for run in runs.values()
    ]
    for title, name, reduce, form in (
        ('s / iteration, median', 'time', median, '.3f'),
        ('GPU memory, MiB', 'memory', max, '.0f'),
        ('RoIs an image', 'mining/num_rois', mean, '.0f'),
        ('sampled an image', 'mining/num_sampled', mean, '.1f'),
        ('foreground of all RoIs, %', 'mining/fg_share', mean, '.1f'),
        ('foreground of sampled, %', 'mining/sampled_fg_share', mean, '.1f'),
        (
            'sampled background with IoU < 0.1, %',
            'mining/sampled_far_bg_share',
            mean,
            '.1f',
        ),
        ('RoIs without finite loss, %', 'mining/non_finite_share', mean, 'g'),
    ):
        columns[title] = _reduced(runs, name, reduce, form)
    columns[f'loss, {KIND_NAMES[ALL]}, last checkpoint'] = [
        _cell(_last_loss(losses.get(label, {})), 1, '.4f') for label in runs
    ]
    known = {
        title: cells
        for title, cells in columns.items()
        if set(cells) != {NOT_KNOWN}
    }
    return Table(
        ['run', *known],
        list(zip(runs, *known.values(), strict=True)),
        [title for title in columns if title not in known],
    )


def class_table(runs: Mapping[str, WorkDir]) -> Table:
    """AP of each class, percent; no rows where nothing is known of them."""
    names = list(
        dict.fromkeys(
            name
            for run in runs.values()
            for name in run.metrics.values
            if name.count('/') == 2
        )
    )
    return Table(
        ['class', *runs],
        [
            [
                name.partition('/')[2],
                *(
                    _cell(x.metrics.values.get(name), 100, '.1f')
                    for x in runs.values()
                ),
            ]
            for name in names
        ],
    )


def difference_table(runs: Mapping[str, WorkDir]) -> Table:
    """The settings that the configs do not share.

    Args:
        runs: By label.

    Returns:
        A row a setting, a column a run; no rows where all are the same.
    """
    flat = [_flatten(run.config.to_dict()) for run in runs.values()]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [
        [key, *(settings.get(key, NOT_KNOWN) for settings in flat)]
        for key in sorted(keys)
        if key not in _PLACES
    ]
    return Table(
        ['setting', *runs], [row for row in rows if len(set(row[1:])) > 1]
    )


def versions_table(runs: Mapping[str, WorkDir]) -> Table:
    """What each run ran on, and what wrote the report."""
    names = dict.fromkeys(
        name for run in runs.values() for name in run.versions
    )
    here = {
        'Python': platform.python_version(),
        'PyTorch': torch.__version__,
        'MMEngine': mmengine.__version__,
        'mmcv': mmcv.__version__,
        'mmdet': mmdet.__version__,
        'mmdet_ohem': __version__,
        'plotly': _installed('plotly'),
    }
    return Table(
        ['', *runs, 'this report'],
        [
            [
                name,
                *(x.versions.get(name, NOT_KNOWN) for x in runs.values()),
                here.get(name, NOT_KNOWN),
            ]
            for name in dict.fromkeys([*names, *here])
        ],
    )


def _headlines(runs: Mapping[str, WorkDir]) -> list[str]:
    return list(
        dict.fromkeys(
            name
            for run in runs.values()
            for name in run.metrics.values
            if is_headline(name)
        )
    )


def _metric(name: str) -> str:
    """'mAP', 'bbox_mAP_50': without whose metric it is."""
    return name.partition('/')[2]


def _reduced(
    runs: Mapping[str, WorkDir],
    name: str,
    reduce: Callable[[list[float]], float],
    form: str,
) -> list[str]:
    return [
        _cell(reduce(run.curves[name].values), 1, form)
        if name in run.curves
        else NOT_KNOWN
        for run in runs.values()
    ]


def _last_iteration(run: WorkDir) -> int | None:
    return max((x.iterations[-1] for x in run.curves.values()), default=None)


def _last_loss(curves: Mapping[str, Curve]) -> float | None:
    """That of all RoIs, which come first; of a cascade, in stage 0."""
    curve = next(iter(curves.values()), None)
    return curve.values[-1] if curve else None


def _cell(value: float | None, times: int, form: str) -> str:
    return NOT_KNOWN if value is None else format(times * value, form)


def _flatten(value: Any, key: str = '') -> dict[str, str]:
    """Nested settings by dotted keys; lists of plain values stay whole."""
    if isinstance(value, dict):
        items = {str(name): item for name, item in value.items()}
    elif isinstance(value, (list, tuple)) and any(
        isinstance(item, (dict, list, tuple)) for item in value
    ):
        items = {str(index): item for index, item in enumerate(value)}
    else:
        return {key: repr(value)}
    if not items:
        return {key: repr(value)}
    prefix = f'{key}.' if key else ''
    flat: dict[str, str] = {}
    for name, item in items.items():
        flat |= _flatten(item, prefix + name)
    return flat


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return NOT_KNOWN
