"""Look whether all is there that a training needs, and say what to mend.

Installation and machine; with a config also its data, proposals, weights,
classes, samplers, memory and disk, and one training step on one image. A
line each: ok, warning or error. Nothing is written.

Exit status: 0 no error, 1 some errors (warnings do not count), 2 bad usage.
"""

import argparse

from rich.text import Text

from mmdet_ohem.arguments import add_device, config, new_folder
from mmdet_ohem.cfg_options import add_cfg_options, read_cfg_options
from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.diagnose import diagnose
from mmdet_ohem.doctor.finding import ERROR, OK, WARNING, Finding
from mmdet_ohem.plain_text import plain_console

_STYLES = {OK: 'green', WARNING: 'yellow', ERROR: 'bold red'}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem doctor``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'config',
        type=config,
        nargs='?',
        help='of a training: a file, or the name of one of our configs '
        '(default: only installation and machine)',
    )
    parser.add_argument(
        '--work-dir',
        type=new_folder,
        help='for its checkpoints (default: work_dirs/NAME_OF_CONFIG)',
    )
    add_cfg_options(parser, 'load_from=FILE')
    add_device(parser, 'of the training step')
    parser.add_argument(
        '--no-step',
        action='store_true',
        help='leave the training step out, which takes the longest',
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each thing that was looked at.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    console = plain_console(soft_wrap=True)
    counts = dict.fromkeys(_STYLES, 0)
    for finding in diagnose(
        args.config,
        read_cfg_options(args.cfg_options),
        args.work_dir,
        not args.no_step,
        args.device,
    ):
        counts[finding.level] += 1
        console.print(as_line(finding))
    console.print(
        f'{Count(counts[ERROR]):error}, {Count(counts[WARNING]):warning}',
        highlight=False,
    )
    return 1 if counts[ERROR] else 0


def as_line(finding: Finding) -> Text:
    """A finding as it is printed; names in it are no markup.

    Args:
        finding: Any.

    Returns:
        Level, subject and text in columns.
    """
    return Text.assemble(
        (f'{finding.level:<8}', _STYLES[finding.level]),
        (f'{finding.what:<16} ', 'bold'),
        finding.text,
    )
