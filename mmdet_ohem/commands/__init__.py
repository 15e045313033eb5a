"""The console script ``mmdet-ohem``: a module here is a subcommand.

A module has ``add_arguments(parser)`` and ``run(args)``, which returns the
exit status; its docstring is the help. It imports at its top only what works
where mmdet is missing.
"""

import importlib
import os

from mmdet_ohem.arguments import Parser
from mmdet_ohem.command_line import DEBUG, PROGRAM, command
from mmdet_ohem.version import __version__

#: Names of the subcommands.
COMMANDS = ('doctor', 'proposals')


@command()
def main() -> int:
    """Run the subcommand that the command line names.

    Returns:
        The exit status.
    """
    args = make_parser().parse_args()
    if args.debug:
        os.environ[DEBUG] = '1'
    return args.run(args)


def make_parser() -> Parser:
    """The parser of ``mmdet-ohem``, with all its subcommands."""
    parser = Parser(
        prog=PROGRAM,
        description='Online Hard Example Mining for MMDetection.',
    )
    parser.add_argument('--version', action='version', version=__version__)
    parser.add_argument(
        '--debug',
        action='store_true',
        help=f'show where an error comes from, as {DEBUG}=1 does',
    )
    subparsers = parser.add_subparsers(
        dest='command', metavar='COMMAND', required=True
    )
    for name in COMMANDS:
        module = importlib.import_module(f'{__name__}.{name}')
        text = str(module.__doc__)
        subparser = subparsers.add_parser(
            name, help=text.partition('\n')[0], description=text
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser
