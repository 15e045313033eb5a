"""The curves of the report of runs."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.colors import qualitative
from plotly.io import to_html

from mmdet_ohem.counts import Count
from mmdet_ohem.figure3.loss_sums import KIND_NAMES
from mmdet_ohem.plain_text import without_tags
from mmdet_ohem.report.figure3 import Figure3
from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir

#: Pixels: of the axes, and of a line of the legend.
_HEIGHT, _LEGEND_LINE = 330, 22
_LEGEND_WIDTH = 40  # characters
_SAMPLED = 'The loss that is trained on. OHEM logs that of its hard RoIs: '
_SAMPLED += 'it is the higher one by the rule, so compare one rule only.'
#: Scalar -> title, explanation; in the order of the page.
_LOGGED = {
    'all_roi_loss/total': (
        'loss over all RoIs of a fixed sample of images',
        'While training, by AllRoILossHook.',
    ),
    'mining/loss': (
        'loss over all RoIs of the training images',
        'Only OHEM knows it, since it scores all RoIs.',
    ),
    'loss': ('loss over the sampled RoIs', _SAMPLED),
    'mining/sampled_fg_share': ('foreground of the sampled RoIs, %', ''),
    'mining/fg_share': ('foreground of all RoIs, %', ''),
    'mining/sampled_far_bg_share': (
        'sampled background with IoU < 0.1, %',
        'What bg_lo = 0.1 never samples.',
    ),
    'time': ('time of an iteration, s', ''),
}


@dataclass(frozen=True)
class Panel:
    """A chart.

    Attributes:
        title: What is drawn.
        note: How to read it, may be empty.
        curves: By label of the run.
        left_out: Labels of the runs that have no such curve.
    """

    title: str
    note: str
    curves: Mapping[str, Curve]
    left_out: Sequence[str] = ()


def make_panels(
    runs: Mapping[str, WorkDir],
    figure3: Figure3,
) -> tuple[list[Panel], list[str]]:
    """Choose what is drawn.

    Args:
        runs: By label.
        figure3: Of these runs.

    Returns:
        The charts, and the titles of those that no run has data for.
    """
    of_run = {label: figure3.curves.get(label, {}) for label in runs}
    titles = dict.fromkeys(title for x in of_run.values() for title in x)
    panels = [
        _panel(
            f'Figure 3: loss, {title}',
            f'Mean over all RoIs of {Count(figure3.num_images):image}, by '
            'mmdet-ohem loss.',
            {label: x.get(title) for label, x in of_run.items()},
        )
        for title in titles or [KIND_NAMES['all']]
    ]
    # Of several metrics the first one, as in the table.
    metrics = dict.fromkeys(n for x in runs.values() for n in x.validation)
    name = next(iter(metrics), 'mAP')
    mean_aps = {k: _percent(x.validation.get(name)) for k, x in runs.items()}
    note = 'Validation while training; that of the test is in the table.'
    panels.append(_panel(f'{name.rpartition("/")[2]}, %', note, mean_aps))
    for name, (title, note) in _LOGGED.items():
        logged = {label: x.curves.get(name) for label, x in runs.items()}
        if name == 'all_roi_loss/total':
            logged = {k: _without_repeats(x) for k, x in logged.items()}
        panels.append(_panel(title, note, logged))
    drawn = [panel for panel in panels if panel.curves]
    return drawn, [panel.title for panel in panels if not panel.curves]


def draw_panels(
    panels: Sequence[Panel], groups: Mapping[str, str]
) -> list[str]:
    """Draw the charts, which scale with the page.

    Args:
        panels: What is drawn.
        groups: Label of each run -> that of its group. A group has one colour
            in all charts, and one entry in the legend.

    Returns:
        HTML of each. The first one embeds the library for all.
    """
    return [
        to_html(
            _draw(panel, groups),
            config=dict(
                responsive=True,
                displaylogo=False,
                # None that would send data anywhere.
                modeBarButtons=[
                    ['toImage', 'zoom2d', 'pan2d', 'resetScale2d']
                ],
            ),
            include_plotlyjs=index == 0,
            full_html=False,
            div_id=f'curve-{index}',
        )
        for index, panel in enumerate(panels)
    ]


def _draw(panel: Panel, groups: Mapping[str, str]) -> go.Figure:
    nth = {group: i for i, group in enumerate(dict.fromkeys(groups.values()))}
    palette = qualitative.D3
    figure = go.Figure()
    shown: set[str] = set()
    for label, curve in panel.curves.items():
        group = groups[label]
        figure.add_scatter(
            x=curve.iterations,
            y=curve.values,
            name=_legend(group),
            legendgroup=_legend(group),
            showlegend=group not in shown,
            mode='lines+markers',
            line=dict(color=palette[nth[group] % len(palette)], width=2),
            # Marks differ too, for those who see colours differently.
            marker=dict(size=7, symbol=nth[group]),
        )
        shown.add(group)
    figure.update_layout(
        template='plotly_white',
        height=_HEIGHT + _LEGEND_LINE * len(shown),
        margin=dict(l=8, r=8, t=32, b=8),
        showlegend=True,
        legend=dict(orientation='h', y=-0.2, yanchor='top'),
        hovermode='x unified',
        dragmode=False,  # on a phone, a finger is to scroll the page
    )
    figure.update_xaxes(title='iteration', automargin=True)
    figure.update_yaxes(rangemode='tozero', automargin=True)
    return figure


def _legend(label: str) -> str:
    """A label in lines; plotly would understand its tags."""
    lines = textwrap.wrap(label, _LEGEND_WIDTH)
    return '<br>'.join(map(without_tags, lines))


def _panel(title: str, note: str, curves: Mapping[str, Curve | None]) -> Panel:
    return Panel(
        title,
        note,
        {label: curve for label, curve in curves.items() if curve},
        [label for label, curve in curves.items() if not curve],
    )


def _percent(curve: Curve | None) -> Curve | None:
    if curve is None:
        return None
    return Curve(curve.iterations, [100 * value for value in curve.values])


def _without_repeats(curve: Curve | None) -> Curve | None:
    """Without log lines that repeat the value of the last record."""
    if curve is None:
        return None
    pairs = list(zip(curve.iterations, curve.values, strict=True))
    news = [
        pair
        for i, pair in enumerate(pairs)
        if i == 0 or pair[1] != pairs[i - 1][1]
    ]
    return Curve([step for step, _ in news], [value for _, value in news])
