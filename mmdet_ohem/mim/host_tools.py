"""Runs mmdet's own command-line tools as if they were this package's."""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import mmdet

from mmdet_ohem.command_line import command
from mmdet_ohem.host.configs import load_config
from mmdet_ohem.installation import remedy
from mmdet_ohem.runs.torn_checkpoints import check_checkpoint

#: What may have started the processes of mmdet's tools.
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


def host_tool(name: str) -> Path:
    """Find a tool of the mmdet that is installed.

    Args:
        name: Of the script, such as ``train.py``.

    Returns:
        Where it is: mmdet's wheel carries its tools in ``mmdet/.mim``, a
        checkout has them beside the package.

    Raises:
        FileNotFoundError: mmdet came without it.
    """
    package = Path(mmdet.__file__).parent
    for folder in (package / '.mim/tools', package.parent / 'tools'):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f'{package} came without its tools/{name}. Remedy: '
        f'{remedy("mmdet")}, or run tools/{name} of a checkout of mmdet with '
        'the same arguments'
    )


def run_host_tool(name: str) -> None:
    """Run a tool of mmdet with this process's arguments.

    Args:
        name: Of the script, such as ``train.py``.

    Raises:
        FileNotFoundError: mmdet came without it.
    """
    script = str(host_tool(name))
    sys.argv = [script, *map(config_file, sys.argv[1:])]
    runpy.run_path(script, run_name='__main__')


def main(name: str) -> int:
    """Run a tool of mmdet; its errors end as those of all commands.

    Args:
        name: Of the script, such as ``train.py``.

    Returns:
        The exit status.
    """

    @command()
    def run() -> int:
        _look_at_inputs(name)
        run_host_tool(name)
        return 0

    return run()


def run_tool_on(name: str, words: Sequence[str]) -> int:
    """Run a tool of mmdet with other arguments than this process's.

    Args:
        name: Of the script, such as ``train.py``.
        words: The arguments.

    Returns:
        0; what goes wrong is raised.
    """
    sys.argv = [name, *words]
    _look_at_inputs(name)
    run_host_tool(name)
    return 0


def on_cpu_only() -> None:
    """Hide the GPUs from this process, before it has used one."""
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'


def _look_at_inputs(name: str) -> None:
    """Look at config and checkpoint before the tool builds anything.

    Raises:
        FileNotFoundError: One of them does not exist.
        ValueError: It is something else.
    """
    args = runpy.run_path(str(host_tool(name)))['parse_args']()
    load_config(config_file(args.config), ['model'])
    if name == 'test.py':
        check_checkpoint(args.checkpoint)


def config_file(argument: str) -> str:
    """Turn the id of a config into the path of its file.

    mim finds configs by file name alone. ``mim search`` shows ids, which have
    no ``.py``; so that mim finds these as well, an installation has a file
    ``.mim/ids/<id>`` for each config.

    Args:
        argument: Of the command line.

    Returns:
        ``.mim/configs/<id>.py`` for ``.mim/ids/<id>``; others unchanged.
    """
    path = Path(argument)
    if path.parts[-3:-1] == ('.mim', 'ids'):
        return str(path.parents[1] / 'configs' / f'{path.name}.py')
    return argument
