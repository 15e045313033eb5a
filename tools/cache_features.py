"""Compute the features of a fixed conv network before it is trained.

For every image of a split, flipped and not, at each of its sizes. A training
fills the cache as it goes as well. Interrupted, the same command goes on;
several may fill one folder at the same time.
"""

import argparse
import sys

from mmengine.config import Config, DictAction
from mmengine.registry import init_default_scope

from mmdet_ohem.arguments import Parser, existing_file
from mmdet_ohem.command_line import command
from mmdet_ohem.features.fill import SPLITS, fill_cache
from mmdet_ohem.host.configs import load_config
from mmdet_ohem.progress import progress


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = Parser(description=__doc__)
    parser.add_argument(
        'config', type=existing_file, help='one with model.feature_cache'
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        help='whose images (default: both, one after the other)',
    )
    parser.add_argument(
        '--device', default='cpu', help='of the network (default: cpu)'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='KEY=VALUE ...'
    )
    return parser.parse_args()


def fill(config: Config, split: str, device: str) -> None:
    """Fill the cache with a split."""
    with progress('images', f'features of {split}') as show:
        computed, found = fill_cache(config, split, show, device)
    print(f'{split}: {computed} computed, {found} were there')


@command(goes_on=True)
def main() -> int:
    """Fill the cache; returns the exit status."""
    args = parse_args()
    config = load_config(args.config)
    if args.cfg_options:
        config.merge_from_dict(args.cfg_options)
    init_default_scope(config.get('default_scope', 'mmdet'))
    for split in [args.split] if args.split else SPLITS:
        fill(config, split, args.device)
    return 0


if __name__ == '__main__':
    sys.exit(main())
