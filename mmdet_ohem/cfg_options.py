"""``--cfg-options``, as mmdet's own tools have it."""

import argparse


def add_cfg_options(
    parser: argparse.ArgumentParser, example: str = ''
) -> None:
    """Declare ``--cfg-options``.

    Args:
        parser: Of a command that takes a config.
        example: A key with a value, for the help.
    """
    such_as = f', such as {example}' if example else ''
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help=f'values for the config{such_as}',
    )


def read_cfg_options(words: list[str]) -> dict[str, object]:
    """Read ``KEY=VALUE``, as mmengine does.

    Args:
        words: Of the command line.

    Returns:
        Value by key.

    Raises:
        ValueError: A word has no ``=``.
    """
    for word in words:
        if '=' not in word:
            raise ValueError(
                f'--cfg-options has {word!r}. Remedy: KEY=VALUE, without '
                'spaces'
            )
    if not words:
        return {}
    from mmengine.config import DictAction  # it may be missing

    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args(['--options', *words]).options
