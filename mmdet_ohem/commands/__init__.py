"""The console script ``mmdet-ohem``: a module here is a subcommand.

A module has ``add_arguments(parser)`` and ``run(args)``, which returns the
exit status; its docstring is the help. ``GOES_ON = True`` says that the same
command, called again after an interruption, goes on from there. A module is
imported when its command is called, so that ``doctor`` works where mmdet is
missing.
"""

import importlib
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from mmdet_ohem.arguments import Formatter, Parser
from mmdet_ohem.command_line import DEBUG, PROGRAM, command
from mmdet_ohem.installation import check_installation
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.version import __version__

#: Names of the subcommands and what they do, in the order of a first use.
COMMANDS = {
    'init': 'make a config from a folder with your own images',
    'doctor': 'look whether all is there that a training needs',
    'proposals': 'make, convert, check and show proposals',
    'train': 'train a detector',
    'test': 'test a checkpoint',
    'detect': 'detect objects in your own images, and draw them',
    'weights': 'convert weights of Caffe or torchvision',
    'features': 'keep what a fixed conv network makes of the images',
    'hard': 'rank images and RoIs by their loss; find mistakes in labels',
    'loss': 'the loss over all RoIs of runs: Figure 3 of the paper',
    'browse': 'draw what is mined in images, at several checkpoints',
    'report': 'show runs on one page',
    'table': "run the paper's tables, or print their results",
    'benchmark': 'measure what mining costs: Table 2 of the paper',
}
# Printed by --print-completion.
SHELLS = ('bash', 'zsh', 'tcsh')


@command()
def main() -> int:
    """Run the subcommand that the command line names.

    Returns:
        The exit status.
    """
    parser = make_parser()
    args = parser.parse_args()
    if args.debug:
        os.environ[DEBUG] = '1'
    if args.print_completion:
        return _print_completion(args.print_completion)
    if args.command is None:
        parser.error(f'COMMAND is missing: one of {", ".join(COMMANDS)}')
    return run_module(_module(args.command), args)


def tool(name: str) -> Callable[[], int]:
    """Make the ``main`` of a script that is an alias of a subcommand.

    Args:
        name: Of the module in ``commands/``.

    Returns:
        A function that reads the command line, and returns the exit status.
    """

    @command()
    def alias() -> int:
        module = _module(name)
        parser = Parser(formatter_class=Formatter)
        _fill(parser, module)
        return run_module(module, parser.parse_args())

    return alias


def make_parser(whole: bool = False) -> Parser:
    """The parser of ``mmdet-ohem``.

    Args:
        whole: Whether to import all subcommands; else each declares its
            arguments when it is called.
    """
    parser = Parser(
        prog=PROGRAM,
        description='Online Hard Example Mining for MMDetection.',
        formatter_class=Formatter,
        epilog=f'{PROGRAM} COMMAND --help says what a command takes.',
    )
    parser.add_argument(
        '--version',
        action='version',
        version=__version__,
        help='print the version and exit',
    )
    parser.add_argument(
        '--debug',
        action='store_true',
        help=f'show where an error comes from, as {DEBUG}=1 does',
    )
    parser.add_argument(
        '--print-completion',
        choices=SHELLS,
        help='print a script that completes commands and options in this '
        'shell (needs shtab), and exit',
    )
    subparsers = parser.add_subparsers(
        dest='command', metavar='COMMAND', parser_class=_LazyParser
    )
    for name, text in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=text, formatter_class=Formatter
        )
        if whole:
            subparser.fill()
    return parser


class _LazyParser(Parser):
    """The parser of a subcommand, which knows its arguments once called."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys)
        self._is_full = False

    def fill(self) -> None:
        """Import the module and declare its arguments."""
        if not self._is_full:
            self._is_full = True
            _fill(self, _module(self.prog.split()[-1]))

    def parse_known_args(  # type: ignore[override]
        self, args: Any = None, namespace: Any = None
    ) -> tuple[Namespace, list[str]]:
        """As argparse's, which the parser of all commands calls."""
        self.fill()
        return super().parse_known_args(args, namespace)


def _module(name: str) -> Any:
    # Of a broken installation, doctor knows more than its first error.
    if name != 'doctor':
        check_installation()
    return importlib.import_module(f'{__name__}.{name}')


def _fill(parser: ArgumentParser, module: Any) -> None:
    parser.description = str(module.__doc__)
    module.add_arguments(parser)


def run_module(module: Any, args: Namespace) -> int:
    """Run a subcommand, which may go on after an interruption.

    Args:
        module: Of the subcommand, or of an action of it.
        args: As its ``add_arguments`` declares them.

    Returns:
        The exit status.
    """

    @command(goes_on=getattr(module, 'GOES_ON', False))
    def run() -> int:
        return module.run(args)

    return run()


def _print_completion(shell: str) -> int:
    """Print a completion script."""
    try:
        shtab = importlib.import_module('shtab')
    except ImportError as error:
        raise ImportError(
            f'--print-completion needs shtab ({error}). Remedy: pip install '
            f"'{PROGRAM}[completion]'"
        ) from error
    text = shtab.complete(make_parser(whole=True), shell)
    plain_console(soft_wrap=True).print(text, highlight=False)
    return 0
