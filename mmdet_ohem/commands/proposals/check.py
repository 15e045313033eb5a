"""Compare a proposal file with its dataset, and measure recall.

Looks at annotations, images and boxes as a training does. A line each: ok,
warning or error; then the share of objects that some proposal covers, at an
IoU of .5 and .7, in all and by class. Objects that are difficult or crowded do
not count.

Exit status: 0 all is well, 1 a training would fail, 2 bad usage.
"""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mmdet_ohem.arguments import new_file
from mmdet_ohem.commands.doctor import as_line
from mmdet_ohem.commands.proposals.arguments import add_dataset, sources_of
from mmdet_ohem.plain_text import plain_console, printable
from mmdet_ohem.progress import progress

if TYPE_CHECKING:
    from mmdet_ohem.coverage.check import CheckResult
    from mmdet_ohem.coverage.coverage import Coverage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``check``.

    Args:
        parser: Of the action.
    """
    add_dataset(parser)
    parser.add_argument(
        '--plot',
        type=new_file,
        metavar='FILE.png',
        help='draw recall against the number of boxes (default: no plot)',
    )


def run(args: argparse.Namespace) -> int:
    """Print what was found.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        ValueError: Arguments contradict each other.
    """
    from mmdet_ohem.coverage.curve import draw_curve

    console = plain_console(soft_wrap=True)
    would_fail = False
    sources = sources_of(args)
    for number, source in enumerate(sources, 1):
        result = look(source)
        would_fail |= result.would_fail
        for finding in result.findings:
            console.print(as_line(finding))
        if result.coverage is not None and result.coverage.num_objects():
            _print_recall(console, result.coverage)
            if args.plot:
                path = args.plot
                if len(sources) > 1:
                    path = path.with_stem(f'{path.stem}_{number}')
                draw_curve(result.coverage, source.name, path)
                console.print(f'wrote {path}', highlight=False)
    return int(would_fail)


def look(source: object) -> 'CheckResult':
    """Check a dataset and show how far it is.

    Args:
        source: An ``ImageSource``.

    Returns:
        What was found.
    """
    from mmdet_ohem.coverage.check import check_source

    with progress('images') as on_progress:
        return check_source(source, on_progress)  # type: ignore[arg-type]


def _print_recall(console: Console, coverage: 'Coverage') -> None:
    from mmdet_ohem.coverage.coverage import THRESHOLDS

    table = Table('class', title='objects covered, %')
    for heading in ('objects', *(f'IoU {x}' for x in THRESHOLDS)):
        table.add_column(heading, justify='right')
    names: list[tuple[str, int | None]] = [('all', None)]
    names += [(printable(x), i) for i, x in enumerate(coverage.classes)]
    for name, label in names:
        num = coverage.num_objects(label)
        if num:
            shares = [100 * coverage.recall(x, label) for x in THRESHOLDS]
            table.add_row(name, str(num), *(f'{x:.1f}' for x in shares))
    console.print(table)
