"""Print the paper's tables with the results of finished runs beside them.

Runs are those of tools/run_table.py. Rows that were not run are empty. Where
an evaluation server measures (Tables 4 and 5), put its answer into the folder
of the run as server.json, percent by name: {"mAP": 69.8, "aeroplane": 81.5}.
Of Table 2 only the paper's side is here: tools/benchmark.py measures it.
"""

import argparse
from pathlib import Path

from mmdet_ohem.arguments import Parser, new_folder
from mmdet_ohem.benchmark.report import paper_as_markdown
from mmdet_ohem.command_line import command
from mmdet_ohem.host.files import write_text
from mmdet_ohem.tables import DATA, TABLES
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.render import render_csv, render_markdown

COSTS = """## Table 2: cost of an iteration, N = 2, on a Titan X

{}

These are the paper's numbers. To measure ours beside them:
python tools/benchmark.py --out work_dirs/table2.md
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--table',
        type=int,
        choices=range(1, 6),
        help='only this one (default: all)',
    )
    parser.add_argument(
        '--data',
        choices=DATA,
        default='full',
        help='demo: only runs on the embedded dataset, labelled as such',
    )
    parser.add_argument(
        '--work-dir', type=new_folder, default=Path('work_dirs/tables')
    )
    parser.add_argument(
        '--out',
        type=new_folder,
        help='folder for a .md and a .csv of each table',
    )
    return parser.parse_args()


def show_run(number: int, args: argparse.Namespace) -> None:
    """Print a table of trainings, and write it where asked."""
    table = TABLES[number]
    results = collect(table, args.work_dir, args.data)
    text = render_markdown(table, results, args.data)
    print(text)
    if args.out:
        prefix = 'demo_' if args.data == 'demo' else ''
        path = args.out / f'{prefix}table{number}.md'
        write_text(path, text)
        write_text(
            path.with_suffix('.csv'), render_csv(table, results, args.data)
        )


@command()
def main() -> int:
    """Print, and write where asked; returns the exit status."""
    args = parse_args()
    for number in [args.table] if args.table else range(1, 6):
        if number in TABLES:
            show_run(number, args)
        else:
            print(COSTS.format(paper_as_markdown()))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
