"""Print the paper's tables with the results of finished runs beside them.

Runs are those of mmdet-ohem table. Rows that were not run are empty. Where
an evaluation server measures (Tables 4 and 5), put its answer into the folder
of the run as server.json, percent by name: {"mAP": 69.8, "aeroplane": 81.5}.
Of Table 2 only the paper's side is here: mmdet-ohem benchmark measures it.
"""

import argparse
from pathlib import Path

from mmdet_ohem.arguments import new_folder
from mmdet_ohem.benchmark.report import paper_as_markdown
from mmdet_ohem.host.files import write_text
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.tables import (
    FULL,
    OWN_TABLES,
    find_table,
    profile_name,
)
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.render import render_csv, render_markdown

OF_THE_PAPER = ('1', '2', '3', '4', '5')
COSTS = """## Table 2: cost of an iteration, N = 2, on a Titan X

{}

These are the paper's numbers. To measure ours beside them:
mmdet-ohem benchmark --out work_dirs/table2.md
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem table --results``.

    Args:
        parser: Of the command.
    """
    parser.add_argument(
        '--table',
        choices=(*OF_THE_PAPER, *OWN_TABLES),
        help='only this one (default: those of the paper)',
    )
    parser.add_argument(
        '--data',
        default=FULL,
        metavar='PROFILE',
        help='only runs on these data, as for mmdet-ohem table (default: '
        'full)',
    )
    parser.add_argument(
        '--work-dir',
        type=new_folder,
        default=Path('work_dirs/tables'),
        help='of the runs',
    )
    parser.add_argument(
        '--out',
        type=new_folder,
        help='folder for a .md and a .csv of each table (default: they are '
        'only printed)',
    )


def show_run(name: str, args: argparse.Namespace) -> None:
    """Print a table of trainings, and write it where asked."""
    table = find_table(name)
    data = profile_name(args.data)
    results = collect(table, args.work_dir, data)
    text = render_markdown(table, results, data)
    plain_console(soft_wrap=True).print(text, highlight=False)
    if args.out:
        prefix = '' if data == FULL else f'{data}_'
        stem = f'table{name}' if name.isdigit() else name
        path = args.out / f'{prefix}{stem}.md'
        write_text(path, text)
        write_text(path.with_suffix('.csv'), render_csv(table, results, data))


def print_results(args: argparse.Namespace) -> int:
    """Print the tables, and write them where asked.

    Args:
        args: ``table``, ``data``, ``work_dir`` and ``out``.

    Returns:
        The exit status.

    Raises:
        ValueError: There is no such table.
    """
    for name in [args.table] if args.table else OF_THE_PAPER:
        if name == '2':
            console = plain_console(soft_wrap=True)
            console.print(COSTS.format(paper_as_markdown()), highlight=False)
        else:
            show_run(name, args)
    return 0


run = print_results
