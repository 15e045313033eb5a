"""What makes two trainings the same, in plain values."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmdet_ohem.proposals.proposal_file import file_in_place

#: Of the config: what the outcome of a training depends on.
_KEYS = (
    'model',
    'train_dataloader',
    'train_cfg',
    'optim_wrapper',
    'param_scheduler',
    'auto_scale_lr',
)
_FILES = ('ann_file', 'proposal_file')
#: Larger files are told apart by size and time alone.
_MAX_HASHED = 2**20
#: A training may be made longer, or go on with other rates, on purpose.
_SCHEDULE = ('train_cfg.', 'param_scheduler', 'optim_wrapper.', 'auto_scale')

Fingerprint = dict[str, str]


def fingerprint(config: Mapping[str, Any], **known: Any) -> Fingerprint:
    """What a training depends on.

    Args:
        config: As a plain dict, of which some keys are taken.
        **known: More values by name, such as the number of processes.

    Returns:
        Words by name: values of the config, and what lists and files of
        proposals look like, not what the images do.
    """
    values = {name: str(value) for name, value in known.items()}
    for key in _KEYS:
        values.update(_flat(key, config.get(key)))
    for root, name in _files(config.get('train_dataloader')):
        path = file_in_place(Path(root, name))
        values[f'file {name}'] = _look_of(path)
    return values


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Compare two fingerprints.

    Args:
        before: Of the training that broke off.
        now: Of the one that goes on.

    Returns:
        A line for each value that differs, those of the schedule last.
    """
    names = [x for x in {**before, **now} if before.get(x) != now.get(x)]
    names.sort(key=is_schedule)
    return [
        f'{name}: {before.get(name, "nothing")} before, '
        f'{now.get(name, "nothing")} now'
        for name in names
    ]


def is_schedule(name: str) -> bool:
    """Whether a value, or a line about it, is of the schedule.

    Args:
        name: Of the value.
    """
    return name.startswith(_SCHEDULE)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Leaves of nested dicts and lists, with dots between their keys."""
    if isinstance(value, Mapping):
        items: Any = value.items()
    elif isinstance(value, list | tuple) and any(
        isinstance(x, Mapping) for x in value
    ):
        items = enumerate(value)
    else:
        if value is not None:
            yield name, str(value)
        return
    for key, item in items:
        yield from _flat(f'{name}.{key}', item)


def _files(value: Any) -> Iterator[tuple[str, str]]:
    """Lists and files of proposals that datasets name, with their root."""
    if isinstance(value, Mapping):
        for key in _FILES:
            if isinstance(value.get(key), str) and value[key]:
                yield value.get('data_root') or '', value[key]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _files(item)


def _look_of(path: Path) -> str:
    """A small file by its content, a large one by its size and time."""
    if not path.is_file():
        return 'missing'
    status = path.stat()
    if status.st_size <= _MAX_HASHED:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return f'{status.st_size} bytes, sha256 {digest}'
    return f'{status.st_size} bytes of time {status.st_mtime_ns}'
