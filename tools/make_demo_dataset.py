"""Write the embedded dataset: handwritten digits on photographs, VOC format.

It needs scikit-learn and scikit-image (``pip install mmdet-ohem[demo]``) and
no network.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from mmdet_ohem.arguments import Parser, new_folder
from mmdet_ohem.demo import write_dataset
from mmdet_ohem.demo.hard_digits import NUM_DECOYS
from mmdet_ohem.plain_text import plain_console


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('--out', type=new_folder, default=Path('data/demo'))
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--num-train', type=int, default=400)
    parser.add_argument('--num-test', type=int, default=200)
    parser.add_argument(
        '--img-size', type=int, nargs=2, default=(256, 192), metavar=('W', 'H')
    )
    parser.add_argument(
        '--num-decoys',
        type=int,
        nargs=2,
        default=NUM_DECOYS,
        metavar=('LEAST', 'MOST'),
        help='in an image: how much hard background there is '
        '(default: %(default)s)',
    )
    return parser.parse_args()


def write(args: argparse.Namespace, console: Console) -> bool:
    """Write the dataset behind a progress bar; whether it was missing."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(
            'drawing', total=args.num_train + args.num_test
        )
        return write_dataset(
            args.out,
            seed=args.seed,
            num_train=args.num_train,
            num_test=args.num_test,
            size=tuple(args.img_size),
            num_decoys=tuple(args.num_decoys),
            on_image=lambda: progress.advance(task),
        )


def main() -> int:
    """Write the dataset, or say that it is there already."""
    args = parse_args()
    console = plain_console()
    try:
        written = write(args, console)
    except (ValueError, OSError, ImportError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    state = 'wrote' if written else 'already complete:'
    console.print(f'{state} {args.out}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
