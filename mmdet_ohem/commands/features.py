"""Compute the features of a fixed conv network before it is trained.

For every image of a split, flipped and not, at each of its sizes. A training
fills the cache as it goes as well. Interrupted, the same command goes on;
several may fill one folder at the same time.
"""

import argparse

from mmengine.config import Config

from mmdet_ohem.arguments import config, device
from mmdet_ohem.cfg_options import add_cfg_options, read_cfg_options
from mmdet_ohem.features.fill import SPLITS, fill_cache
from mmdet_ohem.host.configs import load_in_scope
from mmdet_ohem.plain_text import plain_console
from mmdet_ohem.progress import progress

GOES_ON = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem features``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'config', type=config, help='one with model.feature_cache'
    )
    parser.add_argument(
        '--split',
        choices=SPLITS,
        help='whose images (default: both, one after the other)',
    )
    parser.add_argument(
        '--device', type=device, default='cpu', help='of the network'
    )
    add_cfg_options(parser)


def fill(config: Config, split: str, device_name: str) -> None:
    """Fill the cache with a split."""
    with progress('images', f'features of {split}') as show:
        computed, found = fill_cache(config, split, show, device_name)
    plain_console(soft_wrap=True).print(
        f'{split}: {computed} computed, {found} found', highlight=False
    )


def run(args: argparse.Namespace) -> int:
    """Fill the cache.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    config = load_in_scope(
        args.config, options=read_cfg_options(args.cfg_options)
    )
    for split in [args.split] if args.split else SPLITS:
        fill(config, split, args.device)
    return 0
