"""What ``mmdet-ohem table`` is given."""

import argparse
from pathlib import Path

import torch

from mmdet_ohem.arguments import at_least, existing_folder, new_folder
from mmdet_ohem.tables.launch import LAUNCHERS
from mmdet_ohem.tables.profile import FULL


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem table``.

    Args:
        parser: Of the subcommand.
    """
    parser.epilog = (
        'Exit status: 0 all runs are finished, 1 some failed (they are '
        'listed), 2 bad usage, 130 interrupted.'
    )
    parser.add_argument(
        'number',
        nargs='?',
        metavar='TABLE',
        help='1, 3, 4 or 5 of the paper; rules: mining rules side by side; '
        "variants: OHEM's settings, each changed by itself",
    )
    parser.add_argument(
        '--table', help='the same (default: TABLE)', metavar='TABLE'
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='do nothing: say what would run, how long, and what is missing',
    )
    parser.add_argument(
        '--results',
        action='store_true',
        help='run nothing: print the results of finished runs beside the '
        "paper's",
    )
    parser.add_argument(
        '--rows', help='only these, such as 2,13 (default: all)'
    )
    parser.add_argument(
        '--seeds', type=at_least(1), default=1, help='runs of a row'
    )
    parser.add_argument(
        '--data',
        default=FULL,
        metavar='PROFILE',
        help='full: the data of the paper; demo: the embedded dataset that '
        'make demo of a clone writes; NAME of fast_rcnn_vgg16_NAME.py, or the '
        'path of a config that trains Fast R-CNN on your data: the rows at '
        'its size (default: full)',
    )
    _add_launching(parser)
    _add_folders(parser)


def _add_launching(parser: argparse.ArgumentParser) -> None:
    """Declare how runs are started."""
    parser.add_argument(
        '--gpus',
        type=at_least(0),
        default=int(torch.cuda.is_available()),
        help='0: CPU; with launcher none, so many runs go side by side '
        '(default: 1 where there is a GPU)',
    )
    parser.add_argument(
        '--jobs',
        type=at_least(1),
        default=1,
        help='without a GPU: runs side by side, which share the cores',
    )
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='pytorch, slurm: spread the images of an iteration over the GPUs',
    )
    parser.add_argument('--partition', help='of slurm (default: none)')
    parser.add_argument(
        '--srun-args',
        help='more arguments of slurm, in one string (default: none)',
    )


def _add_folders(parser: argparse.ArgumentParser) -> None:
    """Declare where runs are, and where results go."""
    parser.add_argument(
        '--work-dir',
        type=new_folder,
        default=Path('work_dirs/tables'),
        help='for all runs',
    )
    parser.add_argument(
        '--configs',
        type=existing_folder,
        help='folder of the leaf configs (default: those of this package)',
    )
    parser.add_argument(
        '--out',
        type=new_folder,
        help='with --results: folder for a .md and a .csv of each table '
        '(default: they are only printed)',
    )
