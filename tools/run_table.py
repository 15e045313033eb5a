"""Train and test the rows of one of the paper's tables.

Called again with the same arguments, it skips finished runs and continues
interrupted ones. If a row fails, the other rows still run. Data, proposals,
weights and disk are looked at before the first run of a config, as by
mmdet-ohem doctor.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

import torch
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from mmdet_ohem.arguments import Parser, at_least, existing_folder, new_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.tables import (
    FULL,
    LAUNCHERS,
    ConfigChecks,
    Launch,
    NotInProfileError,
    Run,
    RunRecord,
    Table,
    check_leaves,
    execute,
    find_table,
    plan_runs,
    profile_path,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        epilog='Exit status: 0 all runs are finished, 1 some failed (they are '
        'listed), 2 bad usage, 130 interrupted.',
    )
    parser.add_argument(
        '--table',
        required=True,
        help='1, 3, 4 or 5 of the paper; rules: mining rules side by side',
    )
    parser.add_argument(
        '--rows', help='only these, such as 2,13 (default: all)'
    )
    parser.add_argument(
        '--seeds', type=at_least(1), default=1, help='runs of a row'
    )
    parser.add_argument(
        '--data',
        default=FULL,
        metavar='PROFILE',
        help='full: the data of the paper; demo: the embedded dataset of '
        'tools/make_demo_dataset.py; NAME of fast_rcnn_vgg16_NAME.py, or the '
        'path of a config that trains Fast R-CNN on your data: the rows at '
        'its size (default: full)',
    )
    parser.add_argument(
        '--gpus',
        type=at_least(0),
        default=int(torch.cuda.is_available()),
        help='0: CPU; with launcher none, so many runs go side by side '
        '(default: 1 where there is a GPU)',
    )
    parser.add_argument(
        '--jobs',
        type=at_least(1),
        default=1,
        help='without a GPU: runs side by side, which share the cores',
    )
    parser.add_argument('--launcher', choices=LAUNCHERS, default='none')
    parser.add_argument('--partition', help='of slurm')
    parser.add_argument('--srun-args', help='more arguments, in one string')
    parser.add_argument(
        '--work-dir', type=new_folder, default=Path('work_dirs/tables')
    )
    parser.add_argument(
        '--configs',
        type=existing_folder,
        default=Path(__file__).resolve().parents[1] / 'configs',
        help='folder of the leaf configs',
    )
    args = parser.parse_args()
    try:
        find_table(args.table)
    except ValueError as error:
        parser.error(str(error))
    return args


def show(table: Table, record: RunRecord) -> str:
    """Describe the result of a run in one line."""
    shown = [
        f'{name} {100 * record.metrics[key]:.1f}'
        for name, key in table.metrics.items()
        if key in record.metrics
    ]
    text = ', '.join(shown) or 'done, its files are for a server'
    return f'{text} ({record.seconds / 60:.1f} min)'


def run_all(
    table: Table,
    runs: list[Run],
    configs: Path,
    launch: Launch,
    console: Console,
) -> list[tuple[Run, str]]:
    """Execute all runs; returns those that failed and why."""
    devices: SimpleQueue = SimpleQueue()
    for device in launch.devices:
        devices.put(device)

    def warn(run: Run, text: str) -> None:
        line = f'row {run.row.number}, {run.name}: warning: {text}'
        console.print(line, markup=False, highlight=False)

    check = ConfigChecks(warn)
    columns = (
        TextColumn('{task.description}', markup=False),
        TimeElapsedColumn(),
    )
    pool = ThreadPoolExecutor(len(launch.devices))
    failed = []
    with Progress(*columns, console=console, transient=True) as progress:

        def work(run: Run) -> RunRecord:
            device, task = devices.get(), progress.add_task(run.name)
            try:
                return execute(
                    run, configs, launch, device,
                    lambda text: progress.update(
                        task, description=f'{run.name}: {text}'
                    ),
                    check,
                )  # fmt: skip
            finally:
                progress.remove_task(task)
                devices.put(device)

        futures = {pool.submit(work, run): run for run in runs}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                run = futures[future]
                try:
                    result = show(table, future.result())
                except NotInProfileError as error:
                    result = f'left out: {error}'
                # Any error is the end of this row, but not of the others.
                except Exception as error:
                    failed.append((run, str(error) or repr(error)))
                    result = f'FAILED: {failed[-1][1]}'
                console.print(
                    f'[{done}/{len(runs)}] row {run.row.number}, {run.name}: '
                    f'{result}',
                    highlight=False,
                )
        finally:
            # Interrupted, the trainings end by themselves: the terminal tells
            # them too. Those that wait must not begin.
            pool.shutdown(cancel_futures=True)
    return failed


def read_rows(text: str | None) -> list[int] | None:
    """Numbers of rows, as ``--rows`` has them; None is all of them."""
    try:
        return [int(x) for x in text.split(',')] if text else None
    except ValueError as error:
        raise ValueError(
            f'--rows is {text!r}: {error}. Remedy: numbers, such as 2,13'
        ) from error


@command(goes_on=True)
def main() -> int:
    """Run the table; returns the exit status."""
    args = parse_args()
    console = plain_console(soft_wrap=True)
    table, numbers = find_table(args.table), read_rows(args.rows)
    runs = plan_runs(table, args.work_dir, args.data, numbers, args.seeds)
    launch = Launch(
        args.launcher, args.gpus, args.partition, args.srun_args, args.jobs
    )
    if args.data != FULL:
        profile_path(args.data, args.configs)
    check_leaves(runs, args.configs)
    failed = run_all(table, runs, args.configs, launch, console)
    if failed:
        console.print(
            f'{len(failed)} of {len(runs)} runs failed; the same command '
            'tries them again:'
        )
        for run, reason in failed:
            console.print(
                f'  row {run.row.number}, seed {run.seed}: {reason}',
                highlight=False,
            )
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
