"""Pretrain the backbone of the demo on pictures of digits."""

import argparse
from pathlib import Path

from rich.progress import Progress

from mmdet_ohem.arguments import Parser, at_least, new_file
from mmdet_ohem.command_line import command
from mmdet_ohem.demo.digit_weights import (
    NETS,
    NUM_ITERS,
    write_digit_weights,
)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument('--net', choices=NETS, default='vgg16')
    parser.add_argument(
        '--out', type=new_file, help='(default: data/demo/NET_digits.pth)'
    )
    parser.add_argument('--seed', type=at_least(0), default=0)
    parser.add_argument('--num-iters', type=at_least(1), default=NUM_ITERS)
    args = parser.parse_args()
    if args.out is None:
        args.out = Path(f'data/demo/{args.net}_digits.pth')
    return args


@command()
def main() -> int:
    """Train, unless the checkpoint is there already."""
    args = parse_args()
    if args.out.exists():
        print(f'{args.out}: is there already')
        return 0
    with Progress() as progress:
        task = progress.add_task('pretraining', total=args.num_iters)
        accuracy = write_digit_weights(
            args.out,
            args.seed,
            args.num_iters,
            on_iter=lambda loss: progress.advance(task),
            net=args.net,
        )
    print(f'{args.out}: accuracy on its pictures {accuracy:.2f}')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
