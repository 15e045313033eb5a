"""Turn a proposal file into one of another kind, by their suffixes.

.safetensors is the store, .pkl mmdet's pickle (of dicts, or of instances as
its DumpProposals writes them), .mat Fast R-CNN's. Every box is kept; a .mat
has no scores. From a .mat the images have to be listed in its order.
"""

import argparse
from pathlib import Path

from mmdet_ohem.arguments import existing_file, new_file
from mmdet_ohem.commands.proposals.arguments import (
    add_images,
    add_mat_layout,
    images_of,
)
from mmdet_ohem.commands.proposals.make import print_summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``convert``.

    Args:
        parser: Of the action.
    """
    parser.add_argument('source', type=existing_file, help='is read')
    parser.add_argument('out', type=new_file, help='is written')
    add_images(parser, '--image-list', needed=False)
    parser.add_argument(
        '--corners',
        choices=('edges', 'inclusive'),
        help='what a .pkl of another program holds (default: edges)',
    )
    add_mat_layout(parser)
    parser.add_argument(
        '--trusted',
        action='store_true',
        help='run the code that a .pkl asks for; without it, such a file is '
        'refused',
    )


def run(args: argparse.Namespace) -> int:
    """Convert the file that the command line names.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        ValueError: Arguments contradict each other.
    """
    from mmdet_ohem.proposals.convert import convert_file

    if (args.image_list is None) != (args.img_dir is None):
        raise ValueError('--image-list and --img-dir need each other')
    images: dict[str, Path] | None = None
    if args.image_list is not None:
        images = images_of(args)
    layout = args.mat_columns, args.mat_base
    print_summary(
        convert_file(
            args.source, args.out, images, args.corners, layout, args.trusted
        )
    )
    return 0
