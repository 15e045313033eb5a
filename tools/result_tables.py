"""Print the paper's tables with what finished runs came to beside them.

Runs are those of tools/run_table.py. Rows that were not run are empty. Where
an evaluation server measures (Tables 4 and 5), put its answer into the folder
of the run as server.json, percent by name: {"mAP": 69.8, "aeroplane": 81.5}.
"""

import argparse
import sys
from pathlib import Path

from mmdet_ohem.tables import DATA, TABLES
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.render import render_csv, render_markdown


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--table',
        type=int,
        choices=sorted(TABLES),
        help='only this one (default: all)',
    )
    parser.add_argument(
        '--data',
        choices=DATA,
        default='full',
        help='demo: only runs on the embedded dataset, labelled as such',
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/tables')
    )
    parser.add_argument(
        '--out', type=Path, help='folder for a .md and a .csv of each table'
    )
    return parser.parse_args()


def main() -> int:
    """Print, and write where asked; returns the exit status."""
    args = parse_args()
    numbers = [args.table] if args.table else sorted(TABLES)
    prefix = 'demo_' if args.data == 'demo' else ''
    try:
        for number in numbers:
            table = TABLES[number]
            results = collect(table, args.work_dir, args.data)
            text = render_markdown(table, results, args.data)
            print(text)
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                path = args.out / f'{prefix}table{number}.md'
                path.write_text(text)
                path.with_suffix('.csv').write_text(
                    render_csv(table, results, args.data)
                )
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main())
