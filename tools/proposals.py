"""`mmdet-ohem proposals`, from a checkout: make, convert, check, show."""

import sys

from mmdet_ohem.arguments import Parser
from mmdet_ohem.command_line import command
from mmdet_ohem.commands import proposals


@command()
def main() -> int:
    """Runs the tool; returns its exit status."""
    parser = Parser(description=proposals.__doc__)
    proposals.add_arguments(parser)
    return proposals.run(parser.parse_args())


if __name__ == '__main__':
    sys.exit(main())
