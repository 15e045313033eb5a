"""Write the embedded dataset: handwritten digits on photographs, VOC format.

It needs scikit-learn and scikit-image (``pip install mmdet-ohem[demo]``) and
no network.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from mmdet_ohem.arguments import Parser, new_folder
from mmdet_ohem.command_line import command
from mmdet_ohem.demo import write_dataset


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
    return parser.parse_args()


@command()
def main() -> int:
    """Write the dataset, or say that it is there already."""
    args = parse_args()
    console = Console()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(
            'drawing', total=args.num_train + args.num_test
        )
        written = write_dataset(
            args.out,
            seed=args.seed,
            num_train=args.num_train,
            num_test=args.num_test,
            size=tuple(args.img_size),
            on_image=lambda: progress.advance(task),
        )
    state = 'wrote' if written else 'already complete:'
    console.print(f'{state} {args.out}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
