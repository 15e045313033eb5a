"""Recall against the number of proposals, as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mmdet_ohem.coverage.coverage import THRESHOLDS, Coverage
from mmdet_ohem.host.files import replacing
from mmdet_ohem.plain_text import without_math


def draw_curve(coverage: Coverage, title: str, path: Path) -> None:
    """Draw recall at each threshold against the number of first proposals.

    Args:
        coverage: Of a dataset.
        title: Above the curves.
        path: The picture, such as ``.png`` or ``.svg``.

    Raises:
        OSError: It cannot be written; the error names it.
    """
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.subplots()
    most = max(int(coverage.counts.max(initial=1)), 1)
    numbers = np.unique(np.geomspace(1, most, 60).round().astype(int))
    for threshold in THRESHOLDS:
        shares = [
            100 * coverage.recall(threshold, at_most=num) for num in numbers
        ]
        axes.plot(numbers, shares, label=f'IoU {threshold}')
    axes.set(
        xlabel='first proposals of an image',
        ylabel='objects covered, %',
        xscale='log',
        ylim=(0, 100),
        title=without_math(title),
    )
    axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, format=path.suffix[1:] or 'png')
