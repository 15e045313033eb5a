"""A table with what was measured beside what the paper says."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from mmdet_ohem.tables.collect import Measured, RowResult
from mmdet_ohem.tables.profile import FULL
from mmdet_ohem.tables.row import Table

_NOTE = (
    'Measured on other data than the paper, at another size: to be compared '
    'within the column, not with the numbers of the paper.'
)


def render_markdown(
    table: Table, results: Sequence[RowResult], data: str
) -> str:
    """Markdown, with the AP of each class below where the table has them.

    Args:
        table: Which.
        results: Of ``collect``.
        data: ``'full'``, or the name of a profile, which is a label; no
            difference from the paper is given then.

    Returns:
        The text.
    """
    lines = [f'## {table.heading}', '']
    if data != FULL:
        lines += [f'**Data: {data}.** {_NOTE}', '']
    main, *others = table.metrics
    lines.append(_markdown(_summary(results, main, data)))
    # Of a table of classes (or of COCO's sizes) the other metrics.
    if others:
        lines += ['', _markdown(_details(table, results, data))]
    return '\n'.join(lines) + '\n'


def render_csv(table: Table, results: Sequence[RowResult], data: str) -> str:
    """One line for each row and metric, nothing rounded.

    Args:
        table: Which.
        results: Of ``collect``.
        data: ``'full'``, or the name of a profile.

    Returns:
        The text, empty fields where there is no number.
    """
    rows: list[dict[str, Any]] = []
    for result in results:
        row = result.row
        for name in table.metrics:
            measured = result.measured[name]
            rows.append(
                dict(table=table.number, row=row.number, config=row.name)
                | dict(data=data, **row.settings)
                | dict(
                    metric=name,
                    paper=row.paper.get(name),
                    released=row.released.get(name),
                    mean=measured.mean,
                    spread=measured.spread,
                    seeds=len(measured.values),
                    difference=_difference(result, name, data),
                )
            )
    return pd.DataFrame(rows).to_csv(index=False, lineterminator='\n')


def _difference(result: RowResult, name: str, data: str) -> float | None:
    """Ours minus the paper's; None where the two cannot be compared."""
    ours, paper = result.measured[name].mean, result.row.paper.get(name)
    if ours is None or paper is None or data != FULL:
        return None
    return ours - paper


def _summary(
    results: Sequence[RowResult], metric: str, data: str
) -> list[dict[str, str]]:
    """Settings and the main metric of each row, by column."""
    ours = 'ours' if data == FULL else f'ours ({data})'
    rows = []
    for result in results:
        row, measured = result.row, result.measured[metric]
        rows.append(
            {
                'row': str(row.number),
                **row.settings,
                f'paper {metric}': _number(row.paper.get(metric)),
                'released code': _number(row.released.get(metric)),
                ours: _ours(measured),
                'seeds': str(len(measured.values) or ''),
                'difference': _number(
                    _difference(result, metric, data), '+.1f'
                ),
            }
        )
    return rows


def _details(
    table: Table, results: Sequence[RowResult], data: str
) -> list[dict[str, str]]:
    """All metrics by column, the paper's above ours."""
    sources: list[tuple[str, Callable[[RowResult, str], float | None]]] = [
        ('paper', lambda result, name: result.row.paper.get(name)),
        (
            'ours' if data == FULL else f'ours ({data})',
            lambda result, name: result.measured[name].mean,
        ),
        ('difference', lambda result, name: _difference(result, name, data)),
    ]
    rows = []
    for result in results:
        for source, value in sources:
            form = '+.1f' if source == 'difference' else '.1f'
            values = {
                name: _number(value(result, name), form)
                for name in table.metrics
            }
            if any(values.values()):
                rows.append(
                    {'row': str(result.row.number), 'of': source, **values}
                )
    return rows


def _ours(measured: Measured) -> str:
    if measured.spread is None:
        return _number(measured.mean)
    return f'{measured.mean:.1f} ± {measured.spread:.1f}'


def _number(value: float | None, form: str = '.1f') -> str:
    return '' if value is None else format(value, form)


def _markdown(rows: list[dict[str, str]]) -> str:
    """A Markdown table, cells as they are."""
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
