"""A table with what was measured beside what the paper says."""

import csv
import io
from collections.abc import Callable, Sequence

from mmdet_ohem.tables.collect import Measured, RowResult
from mmdet_ohem.tables.row import Table

_DEMO_NOTE = (
    'Measured on the embedded dataset of the demo at its small size: not '
    'comparable with the numbers of the paper, which are of the full size.'
)


def render_markdown(
    table: Table, results: Sequence[RowResult], data: str
) -> str:
    """Markdown, with the AP of each class below where the table has them.

    Args:
        table: Which.
        results: Of ``collect``.
        data: ``'full'`` or ``'demo'``. A demo run is labelled, and no
            difference from the paper is given.

    Returns:
        The text.
    """
    lines = [f'## Table {table.number}: {table.title}', '']
    if data == 'demo':
        lines += [f'**Demo.** {_DEMO_NOTE}', '']
    main, *others = table.metrics
    lines += _markdown(_summary(results, main, data))
    # Of a table of classes (or of COCO's sizes) the other metrics.
    if others:
        lines += ['', *_markdown(_details(table, results, data))]
    return '\n'.join(lines) + '\n'


def render_csv(table: Table, results: Sequence[RowResult], data: str) -> str:
    """One line for each row and metric, nothing rounded.

    Args:
        table: Which.
        results: Of ``collect``.
        data: ``'full'`` or ``'demo'``.

    Returns:
        The text, empty fields where there is no number.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    settings = list(results[0].row.settings)
    writer.writerow(
        [
            'table', 'row', 'config', 'data', *settings, 'metric', 'paper',
            'released', 'mean', 'spread', 'seeds', 'difference',
        ]
    )  # fmt: skip
    for result in results:
        row = result.row
        for name in table.metrics:
            measured = result.measured[name]
            writer.writerow(
                [
                    table.number, row.number, row.config, data,
                    *row.settings.values(), name, row.paper.get(name),
                    row.released.get(name), measured.mean, measured.spread,
                    len(measured.values), _difference(result, name, data),
                ]
            )  # fmt: skip
    return out.getvalue()


def _difference(result: RowResult, name: str, data: str) -> float | None:
    """Ours minus the paper's; None where the two cannot be compared."""
    ours, paper = result.measured[name].mean, result.row.paper.get(name)
    if ours is None or paper is None or data != 'full':
        return None
    return ours - paper


def _summary(
    results: Sequence[RowResult], metric: str, data: str
) -> list[list[str]]:
    """Header and rows: settings and the main metric."""
    settings = list(results[0].row.settings)
    ours = 'ours (demo)' if data == 'demo' else 'ours'
    cells = [
        ['row', *settings, f'paper {metric}', 'released code', ours, 'seeds',
         'difference']
    ]  # fmt: skip
    for result in results:
        row, measured = result.row, result.measured[metric]
        cells.append(
            [
                str(row.number),
                *row.settings.values(),
                _number(row.paper.get(metric)),
                _number(row.released.get(metric)),
                _ours(measured),
                str(len(measured.values) or ''),
                _number(_difference(result, metric, data), '+.1f'),
            ]
        )
    return cells


def _details(
    table: Table, results: Sequence[RowResult], data: str
) -> list[list[str]]:
    """Header and rows: all metrics, the paper's above ours."""
    cells = [['row', 'of', *table.metrics]]
    sources: list[tuple[str, Callable[[RowResult, str], float | None]]] = [
        ('paper', lambda result, name: result.row.paper.get(name)),
        (
            'ours (demo)' if data == 'demo' else 'ours',
            lambda result, name: result.measured[name].mean,
        ),
        ('difference', lambda result, name: _difference(result, name, data)),
    ]
    for result in results:
        for source, value in sources:
            form = '+.1f' if source == 'difference' else '.1f'
            values = [_number(value(result, x), form) for x in table.metrics]
            if any(values):
                cells.append([str(result.row.number), source, *values])
    return cells


def _ours(measured: Measured) -> str:
    if measured.spread is None:
        return _number(measured.mean)
    return f'{measured.mean:.1f} ± {measured.spread:.1f}'


def _number(value: float | None, form: str = '.1f') -> str:
    return '' if value is None else format(value, form)


def _markdown(cells: list[list[str]]) -> list[str]:
    """Lines of a Markdown table; the first row is its header."""
    header, *rows = (f'| {" | ".join(row)} |' for row in cells)
    return [header, '|' + '---|' * len(cells[0]), *rows]
