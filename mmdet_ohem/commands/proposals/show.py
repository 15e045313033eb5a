"""Draw the images that proposals cover best and worst.

Objects are yellow. The proposal that overlaps an object most is blue from an
IoU of .5 on and orange below, with the IoU beside it. Without annotations, the
first images are drawn with some of their proposals.

Exit status: 0 pictures were drawn, 1 none could be, 2 bad usage.
"""

import argparse

from mmdet_ohem.arguments import at_least, new_folder
from mmdet_ohem.commands.doctor import as_line
from mmdet_ohem.commands.proposals.arguments import add_dataset, sources_of
from mmdet_ohem.commands.proposals.check import look
from mmdet_ohem.plain_text import plain_console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``show``.

    Args:
        parser: Of the action.
    """
    add_dataset(parser)
    parser.add_argument(
        '--out', type=new_folder, required=True, help='folder for pictures'
    )
    parser.add_argument(
        '--num',
        type=at_least(1),
        default=5,
        help='images of each kind (default: 5)',
    )


def run(args: argparse.Namespace) -> int:
    """Draw the images that the command line asks for.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        ValueError: Arguments contradict each other.
    """
    from mmdet_ohem.coverage.show import draw_images
    from mmdet_ohem.doctor.finding import OK

    console = plain_console(soft_wrap=True)
    sources = sources_of(args)
    num_drawn = 0
    for number, source in enumerate(sources, 1):
        result = look(source)
        for finding in result.findings:
            if finding.level != OK:
                console.print(as_line(finding))
        folder = args.out / str(number) if len(sources) > 1 else args.out
        for path, coverage in draw_images(result, folder, args.num):
            num_drawn += 1
            ious = coverage.best_ious
            how = f'mean best IoU {ious.mean():.2f}' if len(ious) else 'boxes'
            console.print(f'{path}: {how}', highlight=False)
    return 0 if num_drawn else 1
