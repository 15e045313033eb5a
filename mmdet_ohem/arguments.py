"""What commands are given: a parser, and types that look at each argument.

An argument that cannot be used ends the command before it has done anything.
As ``command_line``, this module needs only the standard library.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from mmdet_ohem.installed_configs import config_file


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that keeps the lines of a docstring, and says defaults."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        text = action.help
        value = action.default
        is_said = text is None or 'default' in text
        # 0 is a default, and equals False.
        is_none = value in (None, [], argparse.SUPPRESS) or value is False
        if is_said or is_none or not action.option_strings:
            return text
        shown = ' '.join(map(str, value)) if isinstance(value, list) else value
        return f'{text} (default: {str(shown).replace("%", "%%")})'


class Parser(argparse.ArgumentParser):
    """``ArgumentParser`` whose errors look as those of all commands."""

    def error(self, message: str) -> NoReturn:
        """End with the usage, one line and exit status 2.

        Args:
            message: What is wrong with the arguments.
        """
        self.print_usage(sys.stderr)
        self.exit(2, f'error: {message}\n')


def at_least(least: int) -> Callable[[str], int]:
    """Make an argument type: a whole number with a lower limit.

    Args:
        least: The smallest number that is accepted.

    Returns:
        A ``type`` for ``add_argument``.
    """

    def number(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(
                f'{text!r} is no whole number of at least {least}'
            )
        return value

    return number


def share(text: str) -> float:
    """Argument type: a number between 0 and 1.

    Args:
        text: The number.

    Returns:
        The number.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no number between 0 and 1'
        )
    return value


def existing_file(text: str) -> Path:
    """Argument type: a file that is there.

    Args:
        text: Its path.

    Returns:
        The path.
    """
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f'{text} is a folder, not a file')
    if not path.exists():
        raise argparse.ArgumentTypeError(f'{text} does not exist')
    return path


def config(text: str) -> Path:
    """Argument type: a config, by its file or by the name of one of ours.

    Args:
        text: A path, or a name such as ``fast_rcnn_vgg16_ohem_voc07``.

    Returns:
        The path.
    """
    path = Path(text)
    if path.exists() or path.parent != Path('.'):
        return existing_file(text)
    try:
        return Path(config_file(text))
    except FileNotFoundError as error:
        raise argparse.ArgumentTypeError(
            f'{text} does not exist, and {error}'
        ) from None


def existing_folder(text: str) -> Path:
    """Argument type: a folder that is there.

    Args:
        text: Its path.

    Returns:
        The path.
    """
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f'{text} does not exist')
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f'{text} is a file, not a folder')
    return path


def new_file(text: str) -> Path:
    """Argument type: a file to write, looked at before hours of work.

    Args:
        text: Its path.

    Returns:
        The path; its folder need not exist yet.
    """
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(
            f'{text} is a folder; give the name of a file'
        )
    new_folder(str(path.parent))
    return path


def new_folder(text: str) -> Path:
    """Argument type: a folder to write into.

    Args:
        text: Its path.

    Returns:
        The path; it need not exist yet.
    """
    path = Path(text)
    there = next(x for x in (path, *path.absolute().parents) if x.exists())
    if not there.is_dir():
        raise argparse.ArgumentTypeError(
            f'{there} is a file: there can be no folder {text}'
        )
    if not os.access(there, os.W_OK):
        raise argparse.ArgumentTypeError(
            f'{there}: no permission to write there'
        )
    return path


def add_device(parser: argparse.ArgumentParser, of: str = '') -> None:
    """Declare ``--device``, by default a GPU if there is one.

    Args:
        parser: Of a command that runs a network.
        of: What runs there, for the help.
    """
    parser.add_argument(
        '--device',
        type=device,
        help=f'{of and f"{of}: "}cpu, cuda or cuda:N (default: a GPU if '
        'there is one)',
    )


def device(text: str) -> str:
    """Argument type: a device that torch has.

    Args:
        text: Such as ``cpu`` or ``cuda:0``.

    Returns:
        The same.
    """
    import torch  # not at the top: it may be missing

    try:
        kind = torch.device(text).type
    except RuntimeError:
        raise argparse.ArgumentTypeError(
            f'{text!r} is no device; give cpu, cuda or cuda:N'
        ) from None
    if kind == 'cuda' and not torch.cuda.is_available():
        raise argparse.ArgumentTypeError(
            f'{text!r}: torch {torch.__version__} finds no GPU here; give cpu'
        )
    return text
