"""Collect finished runs into records, and write documents from them.

collect reads the runs of tools/run_table.py into a file of records; runs that
the file has already are replaced, others stay; with --trials it reads those
instead. fit adds to the records of runs how well boxes fit before any NMS, for
which it tests them once more. write fills the templates of documents with the
records. check says whether the documents are what the records say: exit
status 1 where one is not. Both look after the part of a page, of the README,
between two marks as well, and after the numbers of the figures that a document
asks for.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mmdet_ohem.arguments import Parser, existing_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.counts import Count
from mmdet_ohem.evidence import (
    Evidence,
    collect_records,
    fit_metrics,
    read_records,
    record_of,
    trial_of,
    write_records,
)
from mmdet_ohem.evidence.document import Document
from mmdet_ohem.evidence.page import insert
from mmdet_ohem.evidence.training_figure import draw_training
from mmdet_ohem.host.files import write_text
from mmdet_ohem.progress import progress
from mmdet_ohem.runs.work_dir import WorkDir

DOCS = Path(__file__).resolve().parents[1] / 'docs'


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('action', choices=('collect', 'fit', 'write', 'check'))
    parser.add_argument(
        '--work-dir',
        type=existing_folder,
        nargs='+',
        default=[Path('work_dirs/tables')],
        help='of tools/run_table.py, for collect (default: work_dirs/tables); '
        'for fit those of the runs',
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
        '--templates',
        type=existing_folder,
        default=DOCS / 'evidence',
        help='NAME.md.j2 of each document (default: docs/evidence/)',
    )
    parser.add_argument(
        '--out',
        type=existing_folder,
        default=DOCS,
        help='folder of the documents, NAME.md (default: docs/)',
    )
    parser.add_argument(
        '--page',
        type=Path,
        default=DOCS.parent / 'README.md',
        help='page of which a part is written (default: README.md)',
    )
    parser.add_argument(
        '--part',
        type=Path,
        default=DOCS / 'evidence' / 'readme.part.j2',
        help='template of that part (default: docs/evidence/)',
    )
    return parser.parse_args()


def collect(args: argparse.Namespace) -> int:
    """Add finished runs to the records."""
    known = read_records(args.records)
    found = [trial_of(WorkDir(folder)) for folder in args.trials]
    for folder in () if found else args.work_dir:
        found += collect_records(folder, known)
    write_records(args.records, [*known, *found])
    total = len({x.key for x in [*known, *found]})
    print(f'{args.records}: {Count(len(found)):run} read, {total} in all')
    return 0


def fit(args: argparse.Namespace) -> int:
    """Add how well boxes fit to the records of runs."""
    records = read_records(args.records)
    runs = [WorkDir(folder) for folder in args.work_dir]
    for run in runs:
        record = record_of(run, records)
        with progress('images', str(run.folder)) as advance:
            found = {**record.metrics, **fit_metrics(run, advance)}
        records.append(replace(record, metrics=found))
        # A run takes a minute: what is done is kept.
        write_records(args.records, records)
    print(f'{args.records}: the fit of boxes in {Count(len(runs)):run}')
    return 0


def render(
    args: argparse.Namespace,
) -> tuple[dict[Path, str], dict[Path, pd.DataFrame]]:
    """Pages and numbers of figures by file, and tables of the figures."""
    evidence = Evidence(read_records(args.records))
    texts: dict[Path, str] = {}
    drawn: dict[Path, pd.DataFrame] = {}
    for template in sorted(args.templates.glob('*.md.j2')):
        document = Document(evidence, template.parent)
        text = document.render(template.read_text(encoding='utf-8'))
        texts[args.out / template.stem] = text
        drawn |= document.drawn
    part = Document(evidence, args.part.parent)
    page = args.page.read_text(encoding='utf-8')
    texts[args.page] = insert(
        page, part.render(args.part.read_text(encoding='utf-8'))
    )
    # A figure is told by its numbers: other fonts give other bytes.
    texts |= {
        path.with_suffix('.csv'): table.to_csv(
            index=False, lineterminator='\n'
        )
        for path, table in drawn.items()
    }
    return texts, drawn


@command()
def main() -> int:
    """Collect, write or check; returns the exit status."""
    args = parse_args()
    if args.action in _RECORDING:
        return _RECORDING[args.action](args)
    texts, drawn = render(args)
    if args.action == 'check':
        return check(texts)
    for path, table in drawn.items():
        draw_training(table, path)
    return write(texts)


def write(texts: Mapping[Path, str]) -> int:
    """Write the pages and the numbers of the figures."""
    for path, text in texts.items():
        write_text(path, text)
        print(f'{path} is written')
    return 0


def check(texts: Mapping[Path, str]) -> int:
    """Say which files are not what the records say."""
    wrong = [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_text(encoding='utf-8') != text
    ]
    for path in texts:
        verdict = 'is not' if path in wrong else 'is'
        print(f'{path} {verdict} what the records say')
    if wrong:
        print('Remedy: tools/evidence.py write')
    return 1 if wrong else 0


# What changes the records; the others read them.
_RECORDING = {'collect': collect, 'fit': fit}


if __name__ == '__main__':
    sys.exit(main())
