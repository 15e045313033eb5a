"""Costs as Markdown."""

from collections.abc import Sequence

import pandas as pd

from mmdet_ohem.benchmark.measure import PARTS, Cost
from mmdet_ohem.benchmark.workload import Workload

# Table 2 of the paper: seconds an iteration and GB on a Titan X. Rows with
# N = 2 in two passes, for VGG16.
PAPER = {
    ('VGG-M', 'baseline'): (0.13, 2.6),
    ('VGG-M', 'OHEM'): (0.22, 3.6),
    ('VGG16', 'baseline'): (0.57, 6.4),
    ('VGG16', 'OHEM'): (1.00, 8.7),
}


def as_markdown(results: Sequence[tuple[Workload, Sequence[Cost]]]) -> str:
    """Table 2: a row for each network, N and method.

    Args:
        results: Workloads with the costs of their methods, the baseline
            first.

    Returns:
        A Markdown table.
    """
    rows = []
    for load, costs in results:
        for cost in costs:
            first, paper = costs[0], _paper_ratio(load.network, cost.method)
            rows.append(
                {
                    'network': load.network,
                    'N': load.num_images,
                    'method': cost.method,
                    's / iteration': _spread(cost.seconds),
                    **{part: f'{cost.parts[part]:.2f}' for part in PARTS},
                    'ratio': f'{cost.ratio:.2f}',
                    'paper, N = 2': paper,
                    'peak, GiB': _gib(cost.peak_bytes),
                    'peak ratio': _ratio(cost.peak_bytes, first.peak_bytes),
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


def _paper_ratio(network: str, method: str) -> str:
    """Of the seconds to those of the baseline in Table 2."""
    if (network, method) not in PAPER:
        return ''
    return f'{PAPER[network, method][0] / PAPER[network, "baseline"][0]:.2f}'


def _spread(seconds: Sequence[float]) -> str:
    """Median, smallest and largest."""
    ordered = sorted(seconds)
    median = ordered[len(ordered) // 2]
    return f'{median:.2f} ({ordered[0]:.2f}-{ordered[-1]:.2f})'


def _gib(value: int | None) -> str:
    return '' if value is None else f'{value / 2**30:.2f}'


def _ratio(value: int | None, first: int | None) -> str:
    return '' if value is None or not first else f'{value / first:.2f}'
