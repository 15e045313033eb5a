"""Costs as Markdown."""

from collections.abc import Sequence

import pandas as pd

from mmdet_ohem.benchmark.measure import PARTS, Cost
from mmdet_ohem.benchmark.workload import Workload
from mmdet_ohem.counts import Count
from mmdet_ohem.tables.table2 import TABLE2, CostRow, cost_ratio, find_costs

#: Images an iteration in all rows of the paper's Table 2.
_PAPER_NUM_IMAGES = 2


def as_markdown(results: Sequence[tuple[Workload, Sequence[Cost]]]) -> str:
    """Table 2: a row for each network, N and method, the paper's beside it.

    Args:
        results: Workloads with the costs of their methods, the baseline
            first.

    Returns:
        A Markdown table.
    """
    rows = []
    for load, costs in results:
        for cost in costs:
            first, ratio = costs[0], cost_ratio(load.network, cost.method)
            paper = _paper_rows(load, cost.method)
            rows.append(
                {
                    'network': load.network,
                    'N': load.num_images,
                    'method': cost.method,
                    's / iteration': _spread(cost.seconds),
                    **{part: f'{cost.parts[part]:.2f}' for part in PARTS},
                    'ratio': f'{cost.ratio:.2f}',
                    'paper, N = 2': '' if ratio is None else f'{ratio:.2f}',
                    'paper, s': _by_passes(paper, 'seconds', '.2f'),
                    'peak, GiB': _gib(cost.peak_bytes),
                    'peak ratio': _ratio(cost.peak_bytes, first.peak_bytes),
                    'paper, GB': _by_passes(paper, 'memory_gb', '.1f'),
                }
            )
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def sweep_as_markdown(
    results: Sequence[tuple[Workload, Sequence[Cost]]],
) -> str:
    """Cost against the number of RoIs, a row for each.

    Args:
        results: As for :func:`as_markdown`, with different ``num_rois``.

    Returns:
        A Markdown table.
    """
    rows = [
        {'R': load.num_rois}
        | {cost.method + ', s': f'{cost.median:.2f}' for cost in costs}
        | {'ratio': f'{costs[-1].ratio:.2f}'}
        for load, costs in results
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def paper_as_markdown() -> str:
    """The paper's Table 2.

    Returns:
        A Markdown table.
    """
    rows = [
        {
            'row': str(row.number),
            'network': row.network,
            'method': row.method,
            'passes': str(row.passes),
            'paper, s / iteration': f'{row.seconds:.2f}',
            'paper, GB': f'{row.memory_gb:.1f}',
        }
        for row in TABLE2
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _paper_rows(load: Workload, method: str) -> list[CostRow]:
    """What the paper has measured of a method at this N."""
    if load.num_images != _PAPER_NUM_IMAGES:
        return []
    return find_costs(load.network, method)


def _by_passes(rows: Sequence[CostRow], name: str, form: str) -> str:
    """A number of each row; ours take all images in one pass."""
    return '; '.join(
        format(getattr(row, name), form)
        + (f' in {Count(row.passes):pass}' if row.passes > 1 else '')
        for row in rows
    )


def _spread(seconds: Sequence[float]) -> str:
    """Median, smallest and largest."""
    ordered = sorted(seconds)
    median = ordered[len(ordered) // 2]
    return f'{median:.2f} ({ordered[0]:.2f}-{ordered[-1]:.2f})'


def _gib(value: int | None) -> str:
    return '' if value is None else f'{value / 2**30:.2f}'


def _ratio(value: int | None, first: int | None) -> str:
    return '' if value is None or not first else f'{value / first:.2f}'
