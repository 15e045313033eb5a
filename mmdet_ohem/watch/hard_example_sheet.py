"""A sheet of pictures: a row a rule, a column a checkpoint."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mmcv import imrescale
from torch import Tensor

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.plain_text import without_math
from mmdet_ohem.watch.hard_example_drawing import (
    BG_COLOR,
    FG_COLOR,
    GT_COLOR,
    SUPPRESSED_COLOR,
    DrawingStyle,
    draw_hard_examples,
)
from mmdet_ohem.watch.record_summary import summarize

_DPI = 100
# Around and between the pictures, inches: three lines of caption above each,
# a title and a legend.
_CAPTION, _MARGIN = 0.75, 1.3
_WHY_LOWER = (
    'The mean loss of a choice can be lower than that of all RoIs: of many '
    'near-duplicates of a hard RoI the NMS leaves one, and where it leaves '
    'few, easy ones are taken, too.'
)


def make_sheet(
    image: np.ndarray,
    gt_bboxes: Tensor,
    choices: Mapping[str, Mapping[str, MiningRecord | str]],
    style: DrawingStyle,
    title: str,
) -> Figure:
    """Compare what rules choose in an image as training goes on.

    Args:
        image: RGB, uint8, shape (H, W, 3).
        gt_bboxes: xyxy in its pixels, shape (G, 4).
        choices: Checkpoint -> rule -> its choice, or why there is none. The
            rules are the same for all.
        style: What is drawn, and how large.
        title: Of the sheet.

    Returns:
        A figure, to be saved as it is.
    """
    rules = list(next(iter(choices.values())))
    height, width = image.shape[:2]
    # Large images are shrunk, for a sheet has many.
    scale = style.min_side / min(height, width)
    figure = Figure(
        figsize=(
            len(choices) * (width * scale / _DPI + 0.1),
            len(rules) * (height * scale / _DPI + _CAPTION) + _MARGIN,
        ),
        dpi=_DPI,
        layout='constrained',
    )
    grid = figure.subplots(len(rules), len(choices), squeeze=False)
    for column, (checkpoint, by_rule) in zip(
        grid.T, choices.items(), strict=True
    ):
        for axes, rule in zip(column, rules, strict=True):
            _fill_cell(
                axes,
                f'{checkpoint}: {rule}',
                image,
                gt_bboxes,
                by_rule[rule],
                style,
            )
    text = (
        f'{without_math(title)} (drawn with the loss: the hardest '
        f'{style.max_boxes} of foreground and background)'
    )
    # About nine characters of this size fit on an inch.
    columns = max(20, int(9 * figure.get_figwidth()))
    figure.suptitle(textwrap.fill(text, columns), fontsize=14)
    figure.legend(
        handles=_legend(style),
        loc='outside lower center',
        ncols=4 if columns > 54 else 2,
        title=textwrap.fill(_WHY_LOWER, columns),
        facecolor='darkgrey',
    )
    return figure


def _fill_cell(
    axes: Axes,
    name: str,
    image: np.ndarray,
    gt_bboxes: Tensor,
    choice: MiningRecord | str,
    style: DrawingStyle,
) -> None:
    """Draw one choice, or say why there is none."""
    axes.set_axis_off()
    name = without_math(name)
    if isinstance(choice, str):
        scale = max(1.0, style.min_side / min(image.shape[:2]))
        axes.imshow(imrescale(image, scale) // 4)
        axes.set_title(f'{name}\nfails with this head', fontsize=10)
        axes.text(
            0.5,
            0.5,
            without_math(choice),
            color='white',
            wrap=True,
            ha='center',
            va='center',
            transform=axes.transAxes,
        )
        return
    axes.imshow(draw_hard_examples(image, choice, gt_bboxes, style))
    axes.set_title(f'{name}\n{summarize(choice)}', fontsize=10)


def _legend(style: DrawingStyle) -> list[Line2D]:
    """What the colours mean."""
    entries = [
        ('foreground', FG_COLOR, '-'),
        ('background', BG_COLOR, '-'),
        ('ground truth', GT_COLOR, '--'),
    ]
    if style.draw_suppressed:
        entries.append(('removed by the NMS', SUPPRESSED_COLOR, '-'))
    return [
        Line2D(
            [],
            [],
            color=tuple(np.array(color) / 255),
            lw=3,
            ls=line,
            label=label,
        )
        for label, color, line in entries
    ]
