"""Train the detector of a config, by mmdet's own tools/train.py.

CONFIG is a file, or the name of one of our configs. Checkpoints, logs and the
whole config go to work_dirs/NAME_OF_CONFIG. Several GPUs: torchrun
--nproc-per-node 2 -m mmdet_ohem train CONFIG --launcher pytorch.
"""

import argparse

from mmdet_ohem.arguments import config, new_folder
from mmdet_ohem.cfg_options import add_cfg_options
from mmdet_ohem.mim.host_tools import LAUNCHERS, on_cpu_only, run_tool_on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem train``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'config', type=config, help='what to train: a file, or a name'
    )
    parser.add_argument(
        '--work-dir',
        type=new_folder,
        help='for checkpoints and logs (default: work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on with a training that was interrupted, from its last '
        'checkpoint or from this one (default: begin anew)',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train in mixed precision'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help="scale the learning rate by the number of images, as mmdet's "
        'configs say',
    )
    add_common(parser)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Declare what training and test have in common.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        '--cpu',
        action='store_true',
        help='leave the GPUs alone, if there are any',
    )
    add_cfg_options(parser, 'train_cfg.max_iters=100')
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='what has started several processes',
    )
    parser.add_argument(
        '--local-rank',
        '--local_rank',
        type=int,
        default=0,
        help='set by the launcher',
    )


def run(args: argparse.Namespace) -> int:
    """Train.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.
    """
    words = [str(args.config), *common_words(args)]
    if args.resume:
        words += ['--resume', args.resume]
    for name in ('amp', 'auto_scale_lr'):
        if getattr(args, name):
            words.append(f'--{name.replace("_", "-")}')
    return run_tool_on('train.py', words)


def common_words(args: argparse.Namespace) -> list[str]:
    """What of the arguments mmdet's tools take as it is.

    Args:
        args: As ``add_common`` declares them, with ``work_dir``.

    Returns:
        Words of a command line.
    """
    if args.cpu:
        on_cpu_only()
    words = [f'--launcher={args.launcher}', f'--local_rank={args.local_rank}']
    if args.work_dir:
        words.append(f'--work-dir={args.work_dir}')
    if args.cfg_options:
        words += ['--cfg-options', *args.cfg_options]
    return words
