"""Collect finished runs into records, and write the document from them.

collect reads the runs of tools/run_table.py into a file of records; runs that
the file has already are replaced, others stay; with --trials it reads those
instead. write fills the document's
template with the records. check says whether the document is what the records
say: exit status 1 where it is not.
"""

import argparse
import sys
from pathlib import Path

from mmdet_ohem.arguments import Parser, existing_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.evidence import (
    Evidence,
    collect_records,
    read_records,
    trial_of,
    write_records,
)
from mmdet_ohem.evidence.document import write_document
from mmdet_ohem.host.files import write_text
from mmdet_ohem.runs.work_dir import WorkDir

DOCS = Path(__file__).resolve().parents[1] / 'docs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('action', choices=('collect', 'write', 'check'))
    parser.add_argument(
        '--work-dir',
        type=existing_folder,
        nargs='+',
        default=[Path('work_dirs/tables')],
        help='of tools/run_table.py, for collect (default: work_dirs/tables)',
    )
    parser.add_argument(
        '--trials',
        type=existing_folder,
        nargs='+',
        default=[],
        help='work dirs of validated trainings, which chose a setting',
    )
    parser.add_argument(
        '--records',
        type=Path,
        default=DOCS / 'evidence' / 'records.jsonl',
        help='a line of JSON for each run (default: docs/evidence/)',
    )
    parser.add_argument(
        '--template',
        type=Path,
        default=DOCS / 'evidence' / 'evidence.md.j2',
        help='of the document (default: docs/evidence/)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=DOCS / 'evidence.md',
        help='the document (default: docs/evidence.md)',
    )
    return parser.parse_args()


def collect(args: argparse.Namespace) -> int:
    """Add finished runs to the records."""
    known = read_records(args.records)
    found = [trial_of(WorkDir(folder)) for folder in args.trials]
    for folder in () if found else args.work_dir:
        found += collect_records(folder)
    write_records(args.records, [*known, *found])
    total = len({x.key for x in [*known, *found]})
    print(f'{args.records}: {len(found)} runs read, {total} in all')
    return 0


@command()
def main() -> int:
    """Collect, write or check; returns the exit status."""
    args = parse_args()
    if args.action == 'collect':
        return collect(args)
    text = write_document(args.template, Evidence(read_records(args.records)))
    if args.action == 'write':
        write_text(args.out, text)
        print(f'{args.out} is written')
        return 0
    same = args.out.exists() and args.out.read_text(encoding='utf-8') == text
    print(
        f'{args.out} is what {args.records} says'
        if same
        else f'{args.out} is not what {args.records} says. Remedy: '
        'tools/evidence.py write'
    )
    return 0 if same else 1


if __name__ == '__main__':
    sys.exit(main())
