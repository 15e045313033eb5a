"""Arguments that the actions share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mmdet_ohem.arguments import existing_file, existing_folder

if TYPE_CHECKING:
    from mmdet_ohem.coverage.image_source import ImageSource

COLUMN_ORDERS = ('xyxy', 'yxyx')
SPLITS = ('train', 'val', 'test')


def add_images(
    parser: argparse.ArgumentParser, list_name: str, needed: bool = True
) -> None:
    """Declare what lists the images, and where they are.

    Args:
        parser: Of the action.
        list_name: How the list is given: ``'image_list'``, or as an option.
        needed: Whether the folder has to be given.
    """
    parser.add_argument(
        list_name,
        type=existing_file,
        help='one image id per line, as VOC has, or a .json of COCO (no '
        'default; some sources need none)',
    )
    parser.add_argument(
        '--img-dir',
        type=Path,
        required=needed,
        help='folder of the images (no default; some sources need none)',
    )
    parser.add_argument(
        '--suffix',
        help='of the images, such as .png (default: what is there)',
    )


def add_mat_layout(parser: argparse.ArgumentParser) -> None:
    """Declare how the boxes of a ``.mat`` are written.

    Args:
        parser: Of the action.
    """
    parser.add_argument(
        '--mat-columns',
        choices=COLUMN_ORDERS,
        help='of the .mat (default for a cell array: yxyx)',
    )
    parser.add_argument(
        '--mat-base',
        type=int,
        choices=(0, 1),
        help='first pixel in the .mat (default for a cell array: 1)',
    )


def images_of(args: argparse.Namespace) -> dict[str, Path]:
    """The images that the command line lists.

    Args:
        args: As :func:`add_images` declares them.

    Returns:
        Paths by image id.
    """
    from mmdet_ohem.proposals.image_list import listed_paths

    return listed_paths(args.image_list, args.img_dir, args.suffix)


def add_dataset(parser: argparse.ArgumentParser) -> None:
    """Declare a dataset with its proposals: by a list, or by a config.

    Args:
        parser: Of the action.
    """
    parser.add_argument(
        'proposals', type=existing_file, nargs='?', help='the proposal file'
    )
    parser.add_argument(
        'image_list',
        type=existing_file,
        nargs='?',
        help='one image id per line, as VOC has, or a .json of COCO',
    )
    parser.add_argument(
        '--img-dir',
        type=existing_folder,
        help='folder of the images (default: none; a config has its own)',
    )
    parser.add_argument(
        '--ann-dir',
        type=existing_folder,
        help="folder of VOC's annotations (default: Annotations beside that "
        'of the images, if it is there)',
    )
    parser.add_argument(
        '--suffix',
        help='of the images, such as .png (default: what is there)',
    )
    parser.add_argument(
        '--classes', nargs='+', help='default: all that the annotations have'
    )
    parser.add_argument(
        '--config',
        type=existing_file,
        help='take datasets and proposals from a config instead (default: '
        'none)',
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        default='train',
        help='of the config (default: train)',
    )


def sources_of(args: argparse.Namespace) -> 'list[ImageSource]':
    """The datasets that the command line names.

    Args:
        args: As :func:`add_dataset` declares them.

    Returns:
        Each with its proposal file.

    Raises:
        ValueError: Too much or too little is named.
    """
    given = [args.proposals, args.image_list, args.img_dir]
    if args.config is not None:
        if any(x is not None for x in given):
            raise ValueError(
                '--config names datasets and proposals itself. Remedy: leave '
                'out the proposal file, the list and --img-dir, or --config'
            )
    elif any(x is None for x in given):
        raise ValueError(
            'a proposal file, a list of images and --img-dir are needed, or '
            '--config'
        )
    from mmdet_ohem.coverage.image_source import config_sources, listed_source
    from mmdet_ohem.host.configs import load_config

    if args.config is not None:
        config = load_config(args.config)
        return list(config_sources(config, args.split))
    source = listed_source(
        args.proposals,
        args.image_list,
        args.img_dir,
        args.ann_dir,
        args.suffix,
        args.classes,
    )
    return [source]
