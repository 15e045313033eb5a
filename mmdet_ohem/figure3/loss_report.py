"""The loss over all RoIs of several runs as a file of numbers and a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from mmdet_ohem.figure3.checkpoint_loss import CheckpointLoss
from mmdet_ohem.figure3.loss_sums import ALL, KIND_NAMES, KINDS, pick_mean
from mmdet_ohem.figure_file import save_figure
from mmdet_ohem.host.files import write_text
from mmdet_ohem.plain_text import without_math

_COLUMNS = (
    'label',
    'run',
    'checkpoint',
    'iteration',
    'num_images',
    'stage',
    'kind',
    'num_rois',
    'non_finite',
    'cls',
    'loc',
    'total',
)


@dataclass(frozen=True)
class RunLosses:
    """One curve.

    Attributes:
        label: Its name in the legend.
        folder: Of the run.
        results: In the order of the iterations.
    """

    label: str
    folder: str
    results: Sequence[CheckpointLoss]


def write_csv(runs: Sequence[RunLosses], out: Path) -> None:
    """Write a line for each run, checkpoint, stage and kind of RoIs.

    Args:
        runs: What was computed.
        out: The file; a mean over no RoI is empty.
    """
    rows = [
        (
            run.label,
            run.folder,
            result.checkpoint,
            result.iteration,
            result.num_images,
            mean.stage,
            mean.kind,
            mean.num_rois,
            mean.non_finite,
            mean.cls,
            mean.loc,
            mean.total,
        )
        for run in runs
        for result in run.results
        for mean in result.means
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    write_text(out, table.to_csv(index=False, lineterminator='\n'))


def draw_figure(runs: Sequence[RunLosses], outs: Sequence[Path]) -> None:
    """Draw mean loss per RoI over iterations: all RoIs, then by kind.

    The first panel is Figure 3 of the paper. A cascade has a row of panels
    for each stage.

    Args:
        runs: What was computed.
        outs: Files; their endings say which format.
    """
    num_stages = max(
        (len(result.sums) for run in runs for result in run.results),
        default=1,
    )
    kinds = (ALL, *KINDS)
    figure = Figure(
        figsize=(4 * len(kinds), 3.4 * num_stages + 0.6), layout='constrained'
    )
    rows = figure.subplots(num_stages, len(kinds), squeeze=False)
    for stage, row in enumerate(rows):
        for kind, axes in zip(kinds, row, strict=True):
            _draw_curves(axes, runs, stage, kind)
            prefix = f'stage {stage}: ' if num_stages > 1 else ''
            axes.set_title(prefix + KIND_NAMES[kind])
        row[0].set_ylabel('mean loss per RoI')
    figure.legend(
        *rows[0][0].get_legend_handles_labels(),
        loc='outside lower center',
        ncols=min(len(runs), 4),
    )
    for out in outs:
        save_figure(figure, out)


def _draw_curves(
    axes: mpl.axes.Axes, runs: Sequence[RunLosses], stage: int, kind: str
) -> None:
    """Curves of one panel."""
    for run in runs:
        points = [
            (result.iteration, mean.total)
            for result in run.results
            if (mean := pick_mean(result.means, stage, kind)) is not None
        ]
        # Also a run without this stage: the colours go by the run.
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            marker='o',
            markersize=4,
            label=without_math(run.label),
        )
    # Zero belongs to the data, so that the margin above is one of the whole.
    axes.axhline(0, linewidth=0)
    axes.set(xlabel='iteration')
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
