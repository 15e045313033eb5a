"""Whether the weights that a config starts from are there."""

import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_ohem.detector.caffe_sources import how_to_convert
from mmdet_ohem.doctor.finding import (
    Finding,
    checked,
    error,
    ok,
    warning,
)
from mmdet_ohem.host.torchvision_weights import (
    cached_file,
    is_torchvision,
    torchvision_url,
)
from mmdet_ohem.runs.torn_checkpoints import check_checkpoint

_SECONDS = 10


def check_weights(config: Config) -> Iterator[Finding]:
    """Look for the checkpoints of ``init_cfg`` and ``load_from``.

    Args:
        config: A whole config.

    Yields:
        A line for each checkpoint.
    """
    keys: dict[str, list[str]] = {}
    for key, checkpoint in _checkpoints(config.model, 'model'):
        keys.setdefault(checkpoint, []).append(key)
    if config.get('load_from'):
        keys.setdefault(config.load_from, []).append('load_from')
    for checkpoint, places in keys.items():
        yield from checked('weights', partial(_look, checkpoint, places))


def _checkpoints(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Key and value of each checkpoint inside of a config."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == 'checkpoint' and isinstance(value, str):
                yield f'{key}.{name}', value
            else:
                yield from _checkpoints(value, f'{key}.{name}')
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from _checkpoints(value, f'{key}[{index}]')


def _look(checkpoint: str, keys: list[str]) -> Iterator[Finding]:
    """Look at a checkpoint, which some keys name."""
    if is_torchvision(checkpoint):
        url = torchvision_url(checkpoint)
        yield _look_at_url(url, checkpoint, keys)
    elif checkpoint.startswith(('http://', 'https://')):
        yield _look_at_url(checkpoint, checkpoint, keys)
    elif '://' in checkpoint:
        yield warning(
            'weights',
            f'{checkpoint} is not looked at: mmengine knows where it is',
        )
    else:
        if not Path(checkpoint).is_file():
            how = how_to_convert(checkpoint) or 'bring it there'
            yield error(
                'weights',
                f'{checkpoint} does not exist ({", ".join(keys)}). Remedy: '
                f'{how}, or {_name_another(keys)}',
            )
            return
        check_checkpoint(checkpoint)
        size = Path(checkpoint).stat().st_size / 2**20
        yield ok('weights', f'{checkpoint} is there ({size:.0f} MiB)')


def _look_at_url(url: str, name: str, keys: list[str]) -> Finding:
    """Look whether a file was fetched before, or can be."""
    cached = cached_file(url)
    if cached.is_file():
        return ok('weights', f'{name} was fetched before, to {cached}')
    try:
        request = urllib.request.Request(url, method='HEAD')
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            size = int(answer.headers.get('Content-Length') or 0) / 2**20
    except (OSError, ValueError) as failed:
        reason = getattr(failed, 'reason', failed)
        return error(
            'weights',
            f'{name} is not here, and {url} cannot be fetched ({reason}). '
            f'Remedy: bring the file to {cached}, or {_name_another(keys)}',
        )
    return ok('weights', f'{name} can be fetched from {url} ({size:.0f} MiB)')


def _name_another(keys: list[str]) -> str:
    options = ' '.join(f'{key}=FILE' for key in keys)
    return f'name another file: --cfg-options {options}'
