"""Test a checkpoint of a config, by mmdet's own tools/test.py.

CONFIG is a file, or the name of one of our configs. Metrics go to
work_dirs/NAME_OF_CONFIG, where training puts its checkpoints.
"""

import argparse
from pathlib import Path

from mmdet_ohem.arguments import config, existing_file, new_file, new_folder
from mmdet_ohem.commands.train import add_common, common_words
from mmdet_ohem.mim.host_tools import run_tool_on
from mmdet_ohem.runs.work_dir import WorkDir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows ``mmdet-ohem test``.

    Args:
        parser: Of the subcommand.
    """
    parser.add_argument(
        'config', type=config, help='what to test: a file, or a name'
    )
    parser.add_argument(
        'checkpoint',
        type=existing_file,
        nargs='?',
        help='its weights (default: the last checkpoint in the work dir)',
    )
    parser.add_argument(
        '--work-dir',
        type=new_folder,
        help='for the metrics (default: work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--out',
        type=new_file,
        help='keep the detections in this .pkl (default: they are not kept)',
    )
    parser.add_argument(
        '--show-dir',
        type=new_folder,
        help='draw the detections into this folder of the work dir '
        '(default: they are not drawn)',
    )
    parser.add_argument(
        '--tta',
        action='store_true',
        help='+M: test at the scales of tta_pipeline',
    )
    add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Test.

    Args:
        args: As ``add_arguments`` declares them.

    Returns:
        The exit status.

    Raises:
        FileNotFoundError: No checkpoint is named, and there is none.
    """
    checkpoint = args.checkpoint or newest_checkpoint(
        args.config, args.work_dir
    )
    words = [str(args.config), str(checkpoint)]
    for name in ('out', 'show_dir'):
        if getattr(args, name):
            words += [f'--{name.replace("_", "-")}={getattr(args, name)}']
    if args.tta:
        words.append('--tta')
    return run_tool_on('test.py', words + common_words(args))


def newest_checkpoint(config: Path, work_dir: Path | None = None) -> Path:
    """The last checkpoint of the training of a config.

    Args:
        config: The file.
        work_dir: Of its training; None: where training puts it.

    Returns:
        The file.

    Raises:
        FileNotFoundError: There is none.
    """
    folder = work_dir or Path('work_dirs', config.stem)
    found = WorkDir(folder).last_checkpoint() if folder.is_dir() else None
    if found is None:
        raise FileNotFoundError(
            f'no checkpoint is given, and {folder} has none. Remedy: give '
            f'one, or train first: mmdet-ohem train {config}'
        )
    return Path(found)
