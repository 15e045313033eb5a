"""Weights called ``torchvision://NAME``, without torchvision.

They are files on a server. mmengine knows their addresses, but asks an
installed torchvision for its version before it looks; torch itself fetches,
keeps and checks them.

Relies on ``hub/torchvision_0.12.json`` in mmengine 0.10.7, which has address
by name, on ``CheckpointLoader`` taking another function for a scheme, and on
the hash in the names of the files, which torch 2.4 and later compare.
"""

from functools import cache
from pathlib import Path
from typing import Any

import mmengine
import torch
from mmengine.dist import barrier, get_rank, get_world_size
from mmengine.runner.checkpoint import CheckpointLoader, get_torchvision_models

SCHEMES = ('torchvision://', 'modelzoo://')


class WeightsNotHereError(FileNotFoundError):
    """Weights were not fetched before, and cannot be fetched now."""


def is_torchvision(checkpoint: str) -> bool:
    """Whether a checkpoint is named as torchvision's.

    Args:
        checkpoint: As in a config.
    """
    return checkpoint.startswith(SCHEMES)


def torchvision_url(checkpoint: str) -> str:
    """The address of weights.

    Args:
        checkpoint: Such as ``torchvision://vgg16``. Names that are newer than
            torchvision 0.12 need an installed torchvision.

    Raises:
        ValueError: There are no weights of this name.
    """
    name = checkpoint.partition('://')[2]
    urls = _old_names()
    if name not in urls:
        urls = _all_names()
    if name not in urls:
        raise ValueError(
            f'torchvision has no {name!r} that could be found. Remedy: a '
            'name such as torchvision://vgg16 or torchvision://resnet50; '
            'newer names need torchvision to be installed'
        )
    return urls[name]


def cached_file(url: str) -> Path:
    """Where torch keeps what it fetches from an address.

    Args:
        url: Of the file.
    """
    return Path(torch.hub.get_dir(), 'checkpoints', url.rpartition('/')[2])


def load_torchvision_weights(filename: str, map_location: Any = None) -> Any:
    """Load weights, after fetching them once.

    The hash in the name of the file is compared when it is fetched. Of
    several processes the first one fetches.

    Args:
        filename: Such as ``torchvision://vgg16``.
        map_location: As for ``torch.load``.

    Returns:
        The state dict.

    Raises:
        ValueError: There are no weights of this name, or what was fetched is
            damaged.
        WeightsNotHereError: There is no network; says where to put the file.
    """
    url = torchvision_url(filename)
    if get_world_size() > 1 and get_rank() > 0:
        barrier()
        return _load(url, filename, map_location)
    try:
        return _load(url, filename, map_location)
    finally:
        if get_world_size() > 1:
            barrier()


def use_torch_hub() -> None:
    """Let mmengine load weights of these names from here."""
    CheckpointLoader.register_scheme(
        SCHEMES, load_torchvision_weights, force=True
    )


def not_here(name: str, url: str, reason: object) -> str:
    """What to do where weights cannot be fetched.

    Args:
        name: As in the config.
        url: Of the file.
        reason: Why not.
    """
    return (
        f'{name} is not on this machine, and {url} cannot be fetched '
        f'({reason}). Remedy: bring the file to {cached_file(url)}, or name '
        'another file as init_cfg.checkpoint'
    )


def _load(url: str, name: str, map_location: Any) -> Any:
    try:
        return torch.hub.load_state_dict_from_url(
            url,
            map_location=map_location,
            check_hash=True,
            weights_only=True,
        )
    except OSError as error:
        reason = getattr(error, 'reason', error)
        raise WeightsNotHereError(not_here(name, url, reason)) from error
    except RuntimeError as error:
        if 'hash' not in str(error):
            raise
        raise ValueError(
            f'what {url} gave is damaged ({error}). Remedy: call again'
        ) from error


@cache
def _old_names() -> dict[str, str]:
    path = Path(mmengine.__file__).parent / 'hub/torchvision_0.12.json'
    return mmengine.load(path) if path.is_file() else {}


def _all_names() -> dict[str, str]:
    try:
        return get_torchvision_models()
    # RuntimeError: it was built for another torch.
    except (ImportError, OSError, RuntimeError):
        return {}
