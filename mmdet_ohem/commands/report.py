"""Show runs on one page: results, curves, pictures, settings, versions.

The page is a single file that opens without a network. What a run lacks is
left out, and the page says so. The table of results is printed, too.
"""

import argparse
from pathlib import Path

from rich.table import Table

from mmdet_ohem.arguments import at_least, existing_folder, new_file
from mmdet_ohem.host.files import write_text
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.report.page import make_report
from mmdet_ohem.report.tables import Table as Results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem report``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'runs',
        type=Path,
        nargs='+',
        metavar='RUN_DIR',
        help='work dirs of trainings',
    )
    parser.add_argument(
        '--sheets',
        type=existing_folder,
        nargs='+',
        default=[],
        metavar='DIR',
        help='pictures to show: --out of mmdet-ohem browse, one '
        'or more (default: none)',
    )
    parser.add_argument(
        '--figure3',
        type=existing_folder,
        metavar='DIR',
        help='the loss over all RoIs: --out of mmdet-ohem loss '
        '(default: left out)',
    )
    parser.add_argument(
        '--detections',
        type=at_least(0),
        default=0,
        metavar='NUM',
        help='draw what the runs detect in so many images of their test, '
        'from RUN_DIR/test/detections.pkl (mmdet-ohem test CONFIG --out it)',
    )
    parser.add_argument(
        '--false-positives',
        action='store_true',
        help='count them by kind at equal recall, from the same detections; '
        'needs the data of the tests',
    )
    parser.add_argument(
        '--out',
        type=new_file,
        default=Path('work_dirs/report.html'),
        help='the page',
    )


def as_table(results: Results) -> Table:
    """A column a run, so that the names of the numbers have room."""
    turned = results.transposed()
    table = Table('')
    for name in turned.header[1:]:
        table.add_column(name, justify='right')
    for row in turned.rows:
        table.add_row(*row)
    return table


def run(args: argparse.Namespace) -> int:
    """Write the page.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    report = make_report(
        args.runs,
        args.sheets,
        args.figure3,
        args.detections,
        args.false_positives,
    )
    write_text(args.out, report.html)
    size = args.out.stat().st_size / 2**20
    console = plain_console()
    # So many runs have no room side by side: the page has a row for each.
    if not 0 < len(report.seeds.rows) < len(report.results.rows):
        console.print(as_table(report.results))
    if report.seeds.rows:
        console.print(as_table(report.seeds))
    console.print(f'wrote {args.out} ({size:.1f} MiB)')
    return 0
