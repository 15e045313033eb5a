"""Show runs on one page: results, curves, pictures, settings, versions.

The page is a single file that opens without a network. What a run lacks is
left out, and the page says so. The table of results is printed, too.
"""

import argparse
from pathlib import Path

from rich.table import Table

from mmdet_ohem.arguments import Parser, existing_folder, new_file
from mmdet_ohem.command_line import command
from mmdet_ohem.host.files import write_text
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.report.page import make_report
from mmdet_ohem.report.tables import Table as Results


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('runs', type=Path, nargs='+', help='work dirs')
    parser.add_argument(
        '--sheets',
        type=existing_folder,
        nargs='+',
        default=[],
        metavar='DIR',
        help='--out of tools/browse_hard_examples.py, one or more',
    )
    parser.add_argument(
        '--figure3',
        type=existing_folder,
        metavar='DIR',
        help='--out of tools/analyze_loss.py',
    )
    parser.add_argument(
        '--detections',
        type=int,
        default=0,
        metavar='NUM',
        help='draw what the runs detect in so many images of their test, '
        'from RUN_DIR/test/detections.pkl (mim test --out)',
    )
    parser.add_argument(
        '--out', type=new_file, default=Path('work_dirs/report.html')
    )
    args = parser.parse_args()
    if args.detections < 0:
        parser.error(f'--detections is {args.detections}, 0 or more wanted')
    return args


def as_table(results: Results) -> Table:
    """A column a run, so that the names of the numbers have room."""
    table = Table('')
    for row in results.rows:
        table.add_column(row[0], justify='right')
    for index, name in enumerate(results.header[1:], 1):
        table.add_row(name, *(row[index] for row in results.rows))
    return table


@command()
def main() -> int:
    """Write the page; returns the exit status."""
    args = parse_args()
    report = make_report(args.runs, args.sheets, args.figure3, args.detections)
    write_text(args.out, report.html)
    size = args.out.stat().st_size / 2**20
    console = plain_console()
    console.print(as_table(report.results))
    console.print(f'wrote {args.out} ({size:.1f} MiB)')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
