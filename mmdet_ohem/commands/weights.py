"""Convert weights of Caffe, or torchvision's VGG16, for the configs here.

A backbone file goes into init_cfg of backbone and box head; a detector file
is a checkpoint to test or to start from. It says what images must look like.
"""

import argparse
from typing import Any

from rich.table import Table

from mmdet_ohem.arguments import at_least, new_file
from mmdet_ohem.counts import Count
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.weights import KINDS, NETS, Conversion, convert_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem weights``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'source',
        help='a .caffemodel; anything else is read as torchvision VGG16: a '
        'file, or torchvision://vgg16',
    )
    parser.add_argument(
        '--net', choices=NETS, required=True, help='whose weights they are'
    )
    parser.add_argument(
        '--kind',
        choices=KINDS,
        default='backbone',
        help='detector: a trained Fast R-CNN',
    )
    parser.add_argument(
        '--fc-out-channels',
        type=at_least(1),
        nargs=2,
        metavar=('FC6', 'FC7'),
        help='widths (default: as published)',
    )
    parser.add_argument(
        '--out', type=new_file, required=True, help='.pth to write'
    )


def print_result(result: Conversion, meta: dict[str, Any]) -> None:
    """Say what went where, and what the images must be."""
    # Wide enough for every name: rich would cut them off in a file.
    console = plain_console(width=140)
    table = Table('source', 'shape', 'target', 'shape', 'change')
    for move in result.moves:
        table.add_row(
            move.source,
            ' x '.join(map(str, move.source_shape)),
            move.target,
            ' x '.join(map(str, move.target_shape)),
            move.change,
        )
    console.print(table, crop=False)
    if result.left_out:
        console.print(
            f'left out, {Count(len(result.left_out)):layer}: '
            f'{", ".join(result.left_out)}'
        )
    expected = meta['input']
    console.print(
        f'images: {expected["channel_order"]}, mean {expected["mean"]}, '
        f'std {expected["std"]} (data_preprocessor of the config)'
    )


def run(args: argparse.Namespace) -> int:
    """Convert, or say why not.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    widths = args.fc_out_channels
    result, meta = convert_file(
        args.source,
        args.out,
        args.net,
        args.kind,
        (widths[0], widths[1]) if widths else None,
    )
    print_result(result, meta)
    plain_console(soft_wrap=True).print(
        f'wrote {args.out}: {Count(len(result.moves)):parameter}',
        highlight=False,
    )
    return 0
