"""Makes a proposal file (.pkl) for mmdet, by selective search or from .mat.

After an interruption, the same command continues where it stopped.
"""

import argparse
import os
import sys
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mmdet_ohem.arguments import Parser
from mmdet_ohem.command_line import command
from mmdet_ohem.proposals.image_files import find_images
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.make import (
    MakeResult,
    convert_proposals,
    make_proposals,
)
from mmdet_ohem.proposals.matlab import COLUMN_ORDERS
from mmdet_ohem.proposals.selective_search import MODES


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(
        description=__doc__,
        epilog='Exit status: 0 all images are in the file, 1 some are '
        'missing, 2 bad usage, 130 interrupted.',
    )
    parser.add_argument(
        'image_list', type=Path, help='one image id per line, as VOC has'
    )
    parser.add_argument('--img-dir', type=Path, required=True)
    parser.add_argument('--out', type=Path, required=True, help='the .pkl')
    parser.add_argument(
        '--suffix',
        help='of the images, such as .png (default: what is there)',
    )
    parser.add_argument('--mode', choices=MODES, default='fast')
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
        '--from-mat',
        type=Path,
        metavar='FILE',
        help="convert Fast R-CNN's voc_<year>_<split>.mat instead",
    )
    parser.add_argument(
        '--mat-columns',
        choices=sorted(COLUMN_ORDERS),
        help='of the .mat (default for a cell array: yxyx)',
    )
    parser.add_argument(
        '--mat-base',
        type=int,
        choices=(0, 1),
        help='first pixel in the .mat (default for a cell array: 1)',
    )
    parser.add_argument(
        '--keep-all',
        action='store_true',
        help='with --from-mat: keep duplicates and boxes below 3 x 4 pixels, '
        "which the authors' code drops",
    )
    args = parser.parse_args()
    if args.out.suffix not in ('.pkl', '.pickle'):
        parser.error(f'--out is {args.out}: mmdet wants it to end in .pkl')
    if not args.from_mat and not args.img_dir.is_dir():
        parser.error(f'--img-dir {args.img_dir} is not a folder')
    of_mat = args.mat_columns or args.keep_all or args.mat_base is not None
    if of_mat and not args.from_mat:
        parser.error('--mat-columns, --mat-base, --keep-all need --from-mat')
    return args


def run(args: argparse.Namespace) -> MakeResult:
    """Makes the file that the command line asks for."""
    # A training may repeat images; their boxes are made once.
    image_ids = read_image_list(args.image_list, repeats=True)
    images = find_images(image_ids, args.img_dir, args.suffix)
    if args.from_mat:
        return convert_proposals(
            images,
            args.from_mat,
            args.out,
            args.mat_columns,
            args.mat_base,
            args.keep_all,
        )
    progress = Progress(
        TextColumn('selective search'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn('left'),
        TimeRemainingColumn(),
    )
    with progress:
        task = progress.add_task('', total=None)
        return make_proposals(
            images,
            args.out,
            mode=args.mode,
            width=args.width,
            num_workers=args.workers,
            on_progress=lambda done, total: progress.update(
                task, completed=done, total=total
            ),
        )


def print_summary(result: MakeResult) -> None:
    """Says what was made and what is missing."""
    counts = result.box_counts
    computed = result.written - result.skipped
    if counts:
        print(
            f'{result.out}: {len(counts)} images ({result.skipped} of them '
            'from earlier runs)'
        )
        print(
            f'boxes per image: mean {sum(counts) / len(counts):.1f}, '
            f'min {min(counts)}, max {max(counts)}'
        )
    else:
        print(f'{result.out} was not written: no image succeeded')
    if computed:
        print(f'seconds per image: {result.seconds / computed:.3f}')
    if result.failed:
        print(f'{len(result.failed)} images failed and are missing:')
        for image_id, reason in result.failed:
            print(f'  {image_id}: {reason}')
        print(
            'mmdet refuses a file that is shorter than its image list: mend '
            'these images and run the same command again, which does only '
            'them, or take them out of the image list.'
        )


@command(goes_on=True)
def main() -> int:
    """Runs the tool; returns its exit status."""
    result = run(parse_args())
    print_summary(result)
    return 1 if result.failed else 0


if __name__ == '__main__':
    sys.exit(main())
