"""`mmdet-ohem proposals make`, by the name that it had first."""

import sys

from mmdet_ohem.arguments import Parser
from mmdet_ohem.command_line import command
from mmdet_ohem.commands.proposals import make


@command(goes_on=True)
def main() -> int:
    """Runs the tool; returns its exit status."""
    parser = Parser(description=make.__doc__)
    make.add_arguments(parser)
    return make.run(parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
