"""One page that shows runs side by side."""

import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from mmdet_ohem.report.curves import draw_panels, make_panels
from mmdet_ohem.report.figure3 import Figure3, read_figure3
from mmdet_ohem.report.sheets import read_sheets
from mmdet_ohem.report.tables import (
    class_table,
    difference_table,
    results_table,
    versions_table,
)
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.run_data import RunData, read_run

_TEMPLATE = Path(__file__).with_name('page.html.j2')


def make_report(
    folders: Sequence[Path],
    sheets: Sequence[Path] = (),
    figure3: Path | None = None,
) -> str:
    """Put tables, curves and pictures of runs on a page.

    The page needs no other file and no network. What a run lacks is left
    out, and the page says so.

    Args:
        folders: Work dirs of the runs, at least one.
        sheets: Folders of pictures, as of ``tools/browse_hard_examples.py``.
        figure3: ``--out`` of ``tools/analyze_loss.py``.

    Returns:
        HTML.

    Raises:
        FileNotFoundError: A folder is no run, or is without pictures or
            losses.
        ValueError: A run is given twice, or a file is broken.
    """
    runs = _read_runs(folders)
    losses = read_figure3(figure3, runs) if figure3 else Figure3()
    panels, not_drawn = make_panels(runs, losses)
    charts = draw_panels(panels, list(runs))
    page = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).from_string(_TEMPLATE.read_text(encoding='utf-8'))
    return page.render(
        runs=runs,
        results=results_table(runs, losses.curves),
        classes=class_table(runs),
        differences=difference_table(runs),
        versions=versions_table(runs),
        panels=list(zip(panels, map(Markup, charts), strict=True)),
        not_drawn=not_drawn,
        has_figure3=bool(losses.curves),
        galleries={folder: read_sheets(folder) for folder in sheets},
    )


def _read_runs(folders: Sequence[Path]) -> dict[str, RunData]:
    """Runs by label."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ValueError(
            f'a run is given twice: {", ".join(map(str, folders))}. Remedy: '
            'name each once'
        )
    runs = [read_run(folder) for folder in folders]
    return dict(zip(_label(runs), runs, strict=True))


def _label(runs: Sequence[RunData]) -> list[str]:
    """By how they sample; where one does not, by folder."""
    folders = [run.folder.resolve() for run in runs]
    configs = [run.config for run in runs]
    if all(_has_sampler(config.get('model') or {}) for config in configs):
        return label_runs(configs, folders)
    base = os.path.commonpath([folder.parent for folder in folders])
    return [os.path.relpath(folder, base) for folder in folders]


def _has_sampler(model: dict) -> bool:
    rcnn = (model.get('train_cfg') or {}).get('rcnn')
    stages = rcnn if isinstance(rcnn, (list, tuple)) else [rcnn]
    return all(
        stage and stage.get('sampler') and stage.get('assigner')
        for stage in stages
    )
