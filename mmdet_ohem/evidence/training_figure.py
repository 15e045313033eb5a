"""Scalars of several leaves as training goes on, side by side."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mmdet_ohem.evidence.numbers import config_name
from mmdet_ohem.evidence.statistics import Evidence
from mmdet_ohem.figure_file import save_figure
from mmdet_ohem.plain_text import without_math

_COLUMNS = 'scalar', 'run', 'iteration', 'mean'


def training_table(
    evidence: Evidence,
    data: str,
    leaves: Mapping[str, str],
    scalars: Mapping[str, str],
) -> pd.DataFrame:
    """Means over the seeds.

    Args:
        evidence: The records.
        data: Name of the profile.
        leaves: Leaves by their names in the legend.
        scalars: Logged scalars by the titles of their panels.

    Returns:
        A line for each scalar, leaf and iteration; columns scalar, run (their
        names), iteration, mean. What a leaf does not log has no line.

    Raises:
        ValueError: There is no number at all.
    """
    rows = [
        (title, label, step, float(f'{value:.4g}'))
        for title, scalar in scalars.items()
        for label, leaf in leaves.items()
        for step, value in zip(
            *evidence.curve(data, config_name(leaf), scalar), strict=True
        )
    ]
    if not rows:
        raise ValueError(
            f'no record on {data!r} has a curve of {sorted(scalars.values())}'
            f' of {sorted(leaves.values())}. Remedy: collect such runs '
            '(tools/evidence.py of a clone), or draw others'
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def draw_training(table: pd.DataFrame, out: Path) -> None:
    """Draw a panel for each scalar, a curve for each leaf.

    Args:
        table: Of :func:`training_table`.
        out: The file; its ending says which format.
    """
    titles = list(dict.fromkeys(table.scalar))
    # A leaf keeps its colour where another one has no such scalar.
    colours = {x: f'C{i}' for i, x in enumerate(dict.fromkeys(table.run))}
    figure = Figure(figsize=(4 * len(titles), 4), layout='constrained')
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    handles = {}
    for title, axes in zip(titles, panels, strict=True):
        of_panel = table[table.scalar == title]
        for label, curve in of_panel.groupby('run', sort=False):
            (handles[label],) = axes.plot(
                curve.iteration,
                curve['mean'],
                color=colours[label],
                label=without_math(str(label)),
                clip_on=False,  # a curve may lie on the axis
            )
        axes.set(title=without_math(title), xlabel='iteration')
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.legend(
        handles=list(handles.values()), loc='outside lower center', ncols=4
    )
    save_figure(figure, out)
