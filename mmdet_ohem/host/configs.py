"""Config files, with errors that name them.

Relies on ``Config.fromfile`` of mmengine 0.10.7 running the file, so that it
raises whatever the file raises, mostly without its name.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings


class ConfigError(ValueError):
    """A config file that cannot be used; the message names it."""


def load_config(
    path: str | os.PathLike[str],
    needs: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Config:
    """Read a config file.

    Args:
        path: The file.
        needs: Keys that it must have at its top.
        options: Values to merge into it, by key; they may import modules.

    Returns:
        The config; the modules that it imports are imported.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: A module that it imports is missing.
        ConfigError: It is no config, raises an error when it is read, or
            lacks a key.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f'config {path} does not exist. Remedy: give the path of a .py '
            'file, or the name of a config of ours'
        )
    if path.is_dir() or path.suffix not in ('.py', '.json', '.yaml', '.yml'):
        raise ConfigError(
            f'{path} is no config. Remedy: give the path of a .py file, or '
            'the name of a config of ours'
        )
    try:
        config = Config.fromfile(path)
    except ImportError:
        raise  # it names the module
    # A config is a program, which may raise anything.
    except Exception as error:
        raise ConfigError(
            f'config {path} cannot be read: {type(error).__name__}: {error}. '
            'Remedy: correct it, or a file that it is based on'
        ) from error
    missing = [key for key in needs if config.get(key) is None]
    if missing:
        raise ConfigError(
            f'config {path} has no {", ".join(missing)}: it is not the config '
            'of a detector with its data. Remedy: give such a one, or base '
            'it on a config of ours'
        )
    if options:
        config.merge_from_dict(dict(options))
        _import_modules(config)
    return config


def load_in_scope(
    path: str | os.PathLike[str],
    needs: Sequence[str] = (),
    options: Mapping[str, object] | None = None,
) -> Config:
    """Read a config file to build from it, as a training does.

    Args:
        path: As of :func:`load_config`, as are the others.
        needs: Keys that it must have at its top.
        options: Values to merge into it.

    Returns:
        The config; its scope is the default one from now on.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: A module that it imports is missing.
        ConfigError: As of :func:`load_config`.
    """
    config = load_config(path, needs, options)
    enter_scope(config)
    return config


def enter_scope(config: Config) -> None:
    """Make a config's modules known and its scope the default one.

    Args:
        config: A whole config.

    Raises:
        ImportError: A module that it imports is missing.
    """
    _import_modules(config)
    init_default_scope(config.get('default_scope', 'mmdet'))


def _import_modules(config: Config) -> None:
    import_modules_from_strings(**config.get('custom_imports', {}))
