"""Make, convert, check and show proposals, the boxes of Fast R-CNN.

Exit status: 0 all is well, 1 images are missing or training would fail, 2 bad
usage, 130 interrupted.
"""

import argparse
import importlib
from types import ModuleType

from mmdet_ohem.arguments import Formatter, Parser
from mmdet_ohem.commands import run_module

#: A module of this folder each.
ACTIONS = ('make', 'convert', 'check', 'show')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem proposals``.

    Args:
        parser: Of the subcommand.
    """
    actions = parser.add_subparsers(
        dest='action',
        metavar='ACTION',
        required=True,
        parser_class=Parser,
    )
    for name in ACTIONS:
        module = action(name)
        text = str(module.__doc__)
        subparser = actions.add_parser(
            name,
            help=text.partition('\n')[0],
            description=text,
            formatter_class=Formatter,
        )
        module.add_arguments(subparser)


def run(args: argparse.Namespace) -> int:
    """Do what the command line names.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    return run_module(action(args.action), args)


def action(name: str) -> ModuleType:
    """The module of an action.

    Args:
        name: Such as ``'make'``.
    """
    return importlib.import_module(f'{__name__}.{name}')
