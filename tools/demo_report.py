"""Print a table of the demo's runs, and draw their curves and detections."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mmdet_ohem.demo import CLASSES
from mmdet_ohem.demo.report import (
    RunSummary,
    draw_curves,
    draw_detections,
    read_run,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('runs', type=Path, nargs='+', help='work dirs')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/demo'))
    return parser.parse_args()


def as_table(runs: list[RunSummary]) -> Table:
    """A row a run."""
    table = Table('run', 'mAP', 's / iter', 'fg, %', 'bg with IoU < .1, %')
    for run in runs:
        table.add_row(
            run.name,
            f'{100 * run.map50:.1f}',
            f'{run.seconds_per_iter:.2f}',
            f'{run.fg_share:.1f}',
            f'{run.far_bg_share:.1f}',
        )
    return table


def main() -> int:
    """Write the report."""
    args = parse_args()
    runs = [read_run(folder) for folder in args.runs]
    curves, detections = args.out / 'curves.png', args.out / 'detections.png'
    draw_curves(runs, curves)
    draw_detections(runs, CLASSES, detections)
    console = Console()
    console.print(as_table(runs))
    console.print(
        'fg: foreground among the RoIs trained on; bg with IoU < .1: of the '
        'background trained on, what bg_lo = .1 never samples'
    )
    console.print(f'wrote {curves} and {detections}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
