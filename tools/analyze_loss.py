"""Figure 3 of the paper: mean loss per RoI over all RoIs, by iteration.

For each checkpoint of each run, over all RoIs of a dataset split: no
sampling, evaluation mode, unflipped. Checkpoints that are done already are
not computed again; interrupted, the same command goes on. Torn checkpoints
are left out with a warning.
"""

import argparse
import sys
from math import isnan
from pathlib import Path

from mmengine.dist import is_main_process
from rich.box import SIMPLE_HEAD
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar
from rich.table import Table

from mmdet_ohem.arguments import Parser, at_least, existing_folder, new_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.figure3.loss_analysis import (
    AnalysisSettings,
    LossAnalysis,
    Progress,
)
from mmdet_ohem.figure3.loss_dataset import SPLITS
from mmdet_ohem.figure3.loss_report import (
    RunLosses,
    draw_figure,
    write_csv,
)
from mmdet_ohem.figure3.loss_sums import (
    ALL,
    FAR_BG_IOU,
    KINDS,
    MeanLoss,
    pick_mean,
)
from mmdet_ohem.host.process_group import LAUNCHERS, process_group
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.work_dir import WorkDir


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        epilog='Several processes: torchrun --nproc-per-node 4 '
        'tools/analyze_loss.py RUN_DIR --launcher pytorch',
    )
    parser.add_argument(
        'runs', type=existing_folder, nargs='+', help='work dirs'
    )
    parser.add_argument(
        '--checkpoints',
        type=read_numbers,
        default=None,
        metavar='every|LIST',
        help='iterations, such as 20000,40000 (default: every)',
    )
    parser.add_argument(
        '--max-images',
        type=at_least(1),
        help='no more, evenly spaced (default: all)',
    )
    parser.add_argument(
        '--split', choices=SPLITS, default='train', help='whose images'
    )
    parser.add_argument(
        '--dtype',
        choices=('float32', 'bfloat16', 'float16', 'auto'),
        default='float32',
        help='of the box branch; float32 is exact',
    )
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none')
    parser.add_argument(
        '--out', type=new_folder, default=Path('work_dirs/figure3')
    )
    return parser.parse_args()


def read_numbers(text: str) -> list[int] | None:
    """``every`` is None, ``100,200`` a list."""
    if text == 'every':
        return None
    try:
        return [int(part) for part in text.split(',')]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is neither every nor a list of iterations, such as '
            '20000,40000'
        ) from None


def progress_bar() -> ProgressBar:
    """Images done and left, of all checkpoints."""
    return ProgressBar(
        TextColumn('{task.description}', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('images'),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(),
        disable=not is_main_process(),
    )


def as_table(run: RunLosses) -> Table:
    """A row for each checkpoint and stage of a run."""
    table = Table(
        title=run.label,
        title_justify='left',
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    kinds = ('fg', f'bg ≥ {FAR_BG_IOU:g}', f'bg < {FAR_BG_IOU:g}')
    for name in ('iter', 'stage', 'RoIs', 'total', 'cls', 'loc', *kinds):
        table.add_column(name, justify='right', no_wrap=True)
    for result in run.results:
        for stage in range(len(result.sums)):
            found = [
                pick_mean(result.means, stage, kind) for kind in (ALL, *KINDS)
            ]
            table.add_row(
                str(result.iteration),
                str(stage),
                *as_cells([mean for mean in found if mean]),
            )
    return table


def as_cells(means: list[MeanLoss]) -> list[str]:
    """Numbers of a row: all RoIs, then those of each kind."""
    every = means[0]
    losses = [every.total, every.cls, every.loc]
    losses += [mean.total for mean in means[1:]]
    cells = ['-' if isnan(x) else f'{x:.4f}' for x in losses]
    return [str(every.num_rois), *cells]


def compute(analysis: LossAnalysis) -> None:
    """Compute what is missing, with a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task('', total=None, visible=False)

        def show(progress: Progress) -> None:
            checkpoint, num = progress.checkpoint, progress.num_images
            bar.update(
                task,
                visible=True,
                description=f'{checkpoint.parent.name}/{checkpoint.name}',
                # Runs on other splits may have more images, or fewer.
                total=progress.num_checkpoints * num,
                completed=progress.nth * num + progress.done,
            )

        analysis.compute(show)


def run(args: argparse.Namespace) -> None:
    """Compute, write and print what the command line asks for."""
    runs = [
        WorkDir(folder, import_custom_modules=True) for folder in args.runs
    ]
    with process_group(args.launcher) as device:
        settings = AnalysisSettings(
            args.split,
            args.max_images,
            args.dtype,
            device,
            args.checkpoints,
        )
        analysis = LossAnalysis(runs, args.out / 'checkpoints', settings)
        compute(analysis)
        if not is_main_process():
            return
    labels = label_runs([r.config for r in runs], [r.folder for r in runs])
    losses = [
        RunLosses(
            label=label,
            folder=str(r.folder),
            results=results,
        )
        for r, label, results in zip(
            runs, labels, analysis.load(), strict=True
        )
    ]
    table, figures = args.out / 'losses.csv', ['figure3.png', 'figure3.svg']
    write_csv(losses, table)
    draw_figure(losses, [args.out / name for name in figures])
    console = plain_console()
    console.print(
        'mean loss per RoI; fg, bg: total of those alone, bg by its IoU'
    )
    for run_losses in losses:
        console.print(as_table(run_losses))
    seconds = sum(r.seconds for run in losses for r in run.results)
    images = sum(r.num_images for run in losses for r in run.results)
    console.print(f'{seconds / images:.3f} s an image and checkpoint')
    console.print(f'wrote {table}, {" and ".join(figures)} in {args.out}')


@command(goes_on=True)
def main() -> int:
    """Run the tool; returns its exit status."""
    run(parse_args())
    return 0


if __name__ == '__main__':
    sys.exit(main())
