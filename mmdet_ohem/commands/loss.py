"""Figure 3 of the paper: mean loss per RoI over all RoIs, by iteration.

For each checkpoint of each run, over all RoIs of a dataset split: no
sampling, evaluation mode, unflipped. Checkpoints that are done already are
not computed again; interrupted, the same command goes on. Torn checkpoints
are left out with a warning.
"""

import argparse
from math import isnan
from pathlib import Path

from mmengine.dist import is_main_process
from rich.box import SIMPLE_HEAD
from rich.table import Table

from mmdet_ohem.arguments import at_least, existing_folder, new_folder
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
from mmdet_ohem.progress import progress
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.work_dir import WorkDir

GOES_ON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem loss``.

    Args:
        parser: Of the subcommand.
    """
    parser.epilog = (
        'Several processes: torchrun --nproc-per-node 4 -m mmdet_ohem loss '
        'RUN_DIR --launcher pytorch'
    )
    parser.add_argument(
        'runs',
        type=existing_folder,
        nargs='+',
        metavar='RUN_DIR',
        help='work dirs of trainings, with their checkpoints',
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
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='pytorch: several processes share the images',
    )
    parser.add_argument(
        '--out',
        type=new_folder,
        default=Path('work_dirs/figure3'),
        help='folder of the table, the figure and what was computed',
    )


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
    """Compute what is missing, and show how far it is."""
    with progress('images', shown=is_main_process()) as advance:

        def show(now: Progress) -> None:
            checkpoint, num = now.checkpoint, now.num_images
            advance(
                now.nth * num + now.done,
                # Runs on other splits may have more images, or fewer.
                now.num_checkpoints * num,
                f'{checkpoint.parent.name}/{checkpoint.name}',
            )

        analysis.compute(show)


def run(args: argparse.Namespace) -> int:
    """Compute, write and print what the command line asks for.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
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
            return 0
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
    return 0
