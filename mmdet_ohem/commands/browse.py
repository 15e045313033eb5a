"""Draw what is trained on in an image, at several checkpoints.

One sheet (PNG) an image: a row each for OHEM, mmdet's own OHEMSampler and the
random heuristic (bg_lo = 0.1, one quarter foreground), a column a checkpoint.
"""

import argparse
from pathlib import Path

from mmengine.device import get_device

from mmdet_ohem.arguments import add_device, at_least, config, new_folder
from mmdet_ohem.cfg_options import add_cfg_options, read_cfg_options
from mmdet_ohem.host.configs import load_in_scope
from mmdet_ohem.mining.rules import rule_keys, rule_names
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.watch.hard_example_browser import HardExampleBrowser
from mmdet_ohem.watch.hard_example_drawing import DrawingStyle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem browse``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument('config', type=config, help='of a two-stage detector')
    parser.add_argument(
        '--checkpoints',
        type=Path,
        nargs='+',
        required=True,
        help='of that config (required), in the order of the columns',
    )
    parser.add_argument(
        '--images',
        nargs='+',
        help='names of images of the training dataset (default: --num)',
    )
    parser.add_argument(
        '--num',
        type=int,
        default=4,
        help='without --images: that many, evenly over the dataset',
    )
    _add_drawing(parser)
    parser.add_argument(
        '--rules',
        nargs='+',
        default=[],
        help='further mining rules, each a row of the sheet: '
        f'{", ".join(rule_names())}, or your own (default: none)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of the random heuristic'
    )
    add_device(parser)
    add_cfg_options(parser)
    parser.add_argument(
        '--out',
        type=new_folder,
        default=Path('work_dirs/hard_examples'),
        help='folder of the sheets',
    )


def _add_drawing(parser: argparse.ArgumentParser) -> None:
    """What is drawn of an image, and how large."""
    parser.add_argument(
        '--max-boxes',
        type=int,
        default=16,
        help='RoIs drawn, the hardest, half foreground, half background',
    )
    parser.add_argument(
        '--min-side',
        type=at_least(1),
        default=480,
        help='enlarge images to this many pixels on the shorter side',
    )
    parser.add_argument(
        '--draw-suppressed',
        action='store_true',
        help='draw, faintly, what the NMS removed',
    )


def run(args: argparse.Namespace) -> int:
    """Write the sheets.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    console = plain_console()
    config = load_in_scope(
        args.config,
        ['model', 'train_dataloader'],
        read_cfg_options(args.cfg_options),
    )
    for rule in args.rules:  # an unknown one is an error
        rule_keys(rule)
    style = DrawingStyle(args.max_boxes, args.draw_suppressed, args.min_side)
    browser = HardExampleBrowser(
        config,
        args.checkpoints,
        args.device or get_device(),
        args.seed,
        args.rules,
    )
    inds = browser.find(args.images, args.num)
    for path in browser.browse(inds, args.out, style):
        console.print(f'wrote {path}')
    return 0
