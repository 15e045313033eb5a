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
from mmdet_ohem.tables import FULL, find_table, profile_name
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.render import render_csv, render_markdown

OF_THE_PAPER = ('1', '2', '3', '4', '5')
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
        choices=(*OF_THE_PAPER, 'rules'),
        help='only this one (default: those of the paper)',
    )
    parser.add_argument(
        '--data',
        default=FULL,
        metavar='PROFILE',
        help='only runs on these data, as for tools/run_table.py (default: '
        'full)',
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


def show_run(name: str, args: argparse.Namespace) -> None:
    """Print a table of trainings, and write it where asked."""
    table = find_table(name)
    data = profile_name(args.data)
    results = collect(table, args.work_dir, data)
    text = render_markdown(table, results, data)
    print(text)
    if args.out:
        prefix = '' if data == FULL else f'{data}_'
        stem = f'table{name}' if name.isdigit() else name
        path = args.out / f'{prefix}{stem}.md'
        write_text(path, text)
        write_text(path.with_suffix('.csv'), render_csv(table, results, data))


@command()
def main() -> int:
    """Print, and write where asked; returns the exit status."""
    args = parse_args()
    for name in [args.table] if args.table else OF_THE_PAPER:
        if name == '2':
            print(COSTS.format(paper_as_markdown()))
        else:
            show_run(name, args)
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
