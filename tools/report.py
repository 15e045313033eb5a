"""Show runs on one page: results, curves, hard examples, settings, versions.

The page is a single file that opens without a network. What a run lacks is
left out, and the page says so.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from mmdet_ohem.report.page import make_report


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('runs', type=Path, nargs='+', help='work dirs')
    parser.add_argument(
        '--sheets',
        type=Path,
        nargs='+',
        default=[],
        metavar='DIR',
        help='--out of tools/browse_hard_examples.py, one or more',
    )
    parser.add_argument(
        '--figure3',
        type=Path,
        metavar='DIR',
        help='--out of tools/analyze_loss.py',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('work_dirs/report.html')
    )
    return parser.parse_args()


def main() -> int:
    """Write the page; returns the exit status."""
    args = parse_args()
    try:
        page = make_report(args.runs, args.sheets, args.figure3)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(page, encoding='utf-8')
    except (ValueError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    size = args.out.stat().st_size / 2**20
    Console().print(f'wrote {args.out} ({size:.1f} MiB)')
    return 0


if __name__ == '__main__':
    sys.exit(main())
