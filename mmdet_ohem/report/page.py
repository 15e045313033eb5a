"""One page that shows runs side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from mmdet_ohem.report.curves import draw_panels, make_panels
from mmdet_ohem.report.detections import draw_detections
from mmdet_ohem.report.figure3 import Figure3, read_figure3
from mmdet_ohem.report.seeds import SeedGroup, group_by_seed, seeds_table
from mmdet_ohem.report.sheets import page_template, read_sheets
from mmdet_ohem.report.tables import (
    Table,
    class_table,
    difference_table,
    results_table,
    versions_table,
)
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.work_dir import WorkDir

_TEMPLATE = Path(__file__).with_name('page.html.j2')


@dataclass(frozen=True)
class Report:
    """Runs side by side.

    Attributes:
        html: The page.
        results: Its table of results.
        seeds: Mean and spread of runs that differ in their seed alone, and
            false positives, where they are asked for; no rows where neither
            is the case.
    """

    html: str
    results: Table
    seeds: Table


def make_report(
    folders: Sequence[Path],
    sheets: Sequence[Path] = (),
    figure3: Path | None = None,
    num_detections: int = 0,
    with_errors: bool = False,
) -> Report:
    """Put tables, curves and pictures of runs on a page.

    The page needs no other file and no network. What a run lacks is left
    out, and the page says so.

    Args:
        folders: Work dirs of the runs, at least one.
        sheets: Folders of pictures, as of ``mmdet-ohem browse``.
        figure3: ``--out`` of ``mmdet-ohem loss``.
        num_detections: Draw the detections of the runs in so many images of
            their test; of runs that differ in their seed alone, those of the
            first one.
        with_errors: Count false positives at equal recall, for which the data
            of the tests must be in place.

    Returns:
        The page and its main tables.

    Raises:
        FileNotFoundError: A folder is no run, or is without pictures or
            losses, or no run has detections although they are to be drawn.
        ValueError: A run is given twice, or a file is broken.
    """
    runs = _read_runs(folders)
    losses = read_figure3(figure3, runs) if figure3 else Figure3()
    panels, not_drawn = make_panels(runs, losses)
    results = results_table(runs, losses.curves)
    groups = group_by_seed(list(runs.values()))
    charts = draw_panels(panels, _group_labels(runs, groups))
    seeds = Table([], [])
    if len(groups) < len(runs) or with_errors:
        seeds = seeds_table(groups, with_errors)
    html = page_template(_TEMPLATE).render(
        runs=runs,
        results=results,
        seeds=seeds.transposed(),
        has_errors=with_errors,
        classes=class_table(runs),
        differences=difference_table(runs),
        versions=versions_table(runs),
        panels=list(zip(panels, map(Markup, charts), strict=True)),
        not_drawn=not_drawn,
        has_figure3=bool(losses.curves),
        galleries={folder: read_sheets(folder) for folder in sheets},
        detections=draw_detections(
            {x.label: next(iter(x.runs.values())) for x in groups},
            num_detections,
        )
        if num_detections
        else None,
    )
    return Report(html, results, seeds)


def _group_labels(
    runs: Mapping[str, WorkDir], groups: Sequence[SeedGroup]
) -> dict[str, str]:
    """Label of each run -> that of its group."""
    of_folder = {
        run.folder: x.label for x in groups for run in x.runs.values()
    }
    return {label: of_folder[run.folder] for label, run in runs.items()}


def _read_runs(folders: Sequence[Path]) -> dict[str, WorkDir]:
    """Runs by label."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ValueError(
            f'a run is given twice: {", ".join(map(str, folders))}. Remedy: '
            'name each once'
        )
    runs = [WorkDir(folder) for folder in folders]
    for run in runs:
        run.check_results()
    labels = label_runs(
        [run.config for run in runs], [folder.resolve() for folder in folders]
    )
    return dict(zip(labels, runs, strict=True))
