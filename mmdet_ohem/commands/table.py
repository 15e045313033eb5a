"""Train and test the rows of one of the paper's tables.

Called again with the same arguments, it skips finished runs and continues
interrupted ones. If a row fails, the other rows still run. Data, proposals,
weights and disk are looked at before the first run of a config, as by
mmdet-ohem doctor.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

from mmdet_ohem.commands.results import print_results
from mmdet_ohem.installed_configs import config_folder
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.progress import EveryMinute, progress
from mmdet_ohem.tables import (
    FULL,
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
from mmdet_ohem.tables.arguments import add_arguments
from mmdet_ohem.tables.dry_run import PlannedRun, look_ahead, plan_lines

__all__ = ['GOES_ON', 'add_arguments', 'run']

GOES_ON = True


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
    check = ConfigChecks(partial(_warn, console))
    say = EveryMinute(console)
    columns = (
        TextColumn('{task.description}', markup=False),
        TimeElapsedColumn(),
    )
    pool = ThreadPoolExecutor(len(launch.devices))
    failed = []
    with Progress(*columns, console=console, transient=True) as bars:

        def tell(run: Run, task: TaskID, text: str) -> None:
            bars.update(task, description=f'{run.name}: {text}')
            say(f'{run.name}: {text}')

        def work(run: Run) -> RunRecord:
            device, task = devices.get(), bars.add_task(run.name)
            try:
                return execute(
                    run, configs, launch, device,
                    partial(tell, run, task),
                    check,
                )  # fmt: skip
            finally:
                bars.remove_task(task)
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


def _warn(console: Console, run: Run, text: str) -> None:
    line = f'row {run.row.number}, {run.name}: warning: {text}'
    console.print(line, markup=False, highlight=False)


def read_rows(text: str | None) -> list[int] | None:
    """Numbers of rows, as ``--rows`` has them; None is all of them."""
    try:
        return [int(x) for x in text.split(',')] if text else None
    except ValueError as error:
        raise ValueError(
            f'--rows is {text!r}: {error}. Remedy: numbers, such as 2,13'
        ) from error


def run(args: argparse.Namespace) -> int:
    """Run the table, or say what it would do, or what came out.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        ValueError: There is no such table, row or way to start it.
        FileNotFoundError: A config is missing.
    """
    args.table = args.table or args.number
    if args.results:
        return print_results(args)
    if args.table is None:
        raise ValueError('no table is named. Remedy: mmdet-ohem table 1')
    console = plain_console(soft_wrap=True)
    table, numbers = find_table(args.table), read_rows(args.rows)
    runs = plan_runs(table, args.work_dir, args.data, numbers, args.seeds)
    launch = Launch(
        args.launcher, args.gpus, args.partition, args.srun_args, args.jobs
    )
    configs = args.configs or config_folder()
    if args.data != FULL:
        profile_path(args.data, configs)
    check_leaves(runs, configs)
    if args.dry_run:
        return show_plan(runs, configs, launch, console)
    failed = run_all(table, runs, configs, launch, console)
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


def show_plan(
    runs: list[Run], configs: Path, launch: Launch, console: Console
) -> int:
    """Print what would run, how long, and what is missing.

    Args:
        runs: As planned.
        configs: Folder of the leaf configs.
        launch: How they would be started.
        console: Where.

    Returns:
        The exit status: 1 where something is missing.
    """
    planned: list[PlannedRun] = []
    with progress('runs', 'looking') as advance:
        for found in look_ahead(runs, configs, launch):
            planned.append(found)
            advance(len(planned), len(runs))
    for line in plan_lines(planned, len(launch.devices)):
        console.print(line, highlight=False)
    return 1 if any(x.problem for x in planned) else 0
