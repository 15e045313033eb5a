"""Find the boxes of all images and write a proposal file.

By selective search, by the RPN of a detector (--from-detector), or from the
authors' .mat (--from-mat). After an interruption, the same command continues
where it stopped.

Exit status: 0 all images are in the file, 1 some are missing, 2 bad usage,
130 interrupted.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmdet_ohem.arguments import add_device, at_least, new_file
from mmdet_ohem.commands.proposals.arguments import (
    add_images,
    add_mat_layout,
    images_of,
)
from mmdet_ohem.counts import Count
from mmdet_ohem.progress import progress

if TYPE_CHECKING:
    from mmdet_ohem.proposals.make import MakeResult

GOES_ON = True
_SUFFIXES = ('.safetensors', '.pkl', '.pickle')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``make``.

    Args:
        parser: Of the action.
    """
    add_images(parser, 'image_list')
    parser.add_argument(
        '--out',
        type=new_file,
        required=True,
        help="the store, .safetensors, or mmdet's .pkl",
    )
    parser.add_argument(
        '--mode',
        choices=('fast', 'quality'),
        default='fast',
        help='of selective search (default: fast)',
    )
    parser.add_argument(
        '--width', type=int, default=500, help='resize to it (default: 500)'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=os.cpu_count() or 1,
        help='processes (default: one per core)',
    )
    parser.add_argument(
        '--scheduler',
        metavar='ADDRESS',
        help='search on this Dask cluster, such as tcp://10.0.0.1:8786 '
        '(default: processes of this machine)',
    )
    _add_other_sources(parser)


def _add_other_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--from-detector',
        nargs=2,
        type=Path,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='take the boxes of the RPN of a detector of mmdet instead of '
        'searching (default: none)',
    )
    parser.add_argument(
        '--num-proposals',
        type=at_least(1),
        help="of the RPN, an image (default: as the detector's config says)",
    )
    add_device(parser, 'of the RPN')
    parser.add_argument(
        '--from-mat',
        type=Path,
        metavar='FILE',
        help="convert Fast R-CNN's voc_<year>_<split>.mat instead "
        '(default: none)',
    )
    add_mat_layout(parser)
    parser.add_argument(
        '--keep-all',
        action='store_true',
        help='with --from-mat: keep duplicates and boxes below 3 x 4 pixels, '
        "which the authors' code drops",
    )


def run(args: argparse.Namespace) -> int:
    """Make the file that the command line asks for.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        ValueError: Arguments contradict each other.
    """
    _check(args)
    result = _make(args)
    print_summary(result)
    return 1 if result.failed else 0


def _check(args: argparse.Namespace) -> None:
    if args.out.suffix not in _SUFFIXES:
        raise ValueError(
            f'--out is {args.out}: expected a name that ends in .safetensors, '
            'or in .pkl for mmdet'
        )
    if not args.from_mat and not args.img_dir.is_dir():
        raise ValueError(f'--img-dir {args.img_dir} is not a folder')
    of_mat = args.mat_columns or args.keep_all or args.mat_base is not None
    if of_mat and not args.from_mat:
        raise ValueError(
            '--mat-columns, --mat-base, --keep-all need --from-mat'
        )
    if args.num_proposals and not args.from_detector:
        raise ValueError('--num-proposals needs --from-detector')
    others = [args.from_mat, args.from_detector, args.scheduler]
    if sum(x is not None for x in others) > 1:
        raise ValueError(
            '--from-mat, --from-detector and --scheduler are different ways; '
            'give one of them'
        )


def _make(args: argparse.Namespace) -> 'MakeResult':
    from mmdet_ohem.proposals import convert, make

    images = images_of(args)
    if args.from_mat:
        return convert.convert_proposals(
            images,
            args.from_mat,
            args.out,
            args.mat_columns,
            args.mat_base,
            args.keep_all,
        )
    if args.from_detector:
        from mmdet_ohem.inference.region_proposals import make_by_detector

        config, checkpoint = args.from_detector
        with progress('images', 'RPN') as on_progress:
            return make_by_detector(
                images,
                args.out,
                config,
                checkpoint,
                num_proposals=args.num_proposals,
                device=args.device,
                on_progress=on_progress,
            )
    with progress('images', 'selective search') as on_progress:
        return make.make_proposals(
            images,
            args.out,
            mode=args.mode,
            width=args.width,
            num_workers=args.workers,
            on_progress=on_progress,
            scheduler=args.scheduler,
        )


def print_summary(result: 'MakeResult') -> None:
    """Say what was made and what is missing.

    Args:
        result: Of the run.
    """
    write = sys.stdout.write
    counts = result.box_counts
    computed = result.written - result.skipped
    if counts:
        write(
            f'{result.out}: {Count(len(counts)):image} ({result.skipped} of '
            'them from earlier runs)\n'
            f'boxes per image: mean {sum(counts) / len(counts):.1f}, '
            f'min {min(counts)}, max {max(counts)}\n'
        )
    else:
        write(f'{result.out} was not written: no image succeeded\n')
    if computed:
        write(f'seconds per image: {result.seconds / computed:.3f}\n')
    if result.failed:
        failed = Count(len(result.failed))
        write(f'{failed:image} failed and {failed:is|are} missing:\n')
        for image_id, reason in result.failed:
            write(f'  {image_id}: {reason}\n')
        write(
            'a training refuses a file that lacks images of its list: mend '
            'these images and run the same command again, which does only '
            'them, or take them out of the image list.\n'
        )
