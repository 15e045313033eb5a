"""What a run leaves behind: its record, read again by the next call."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mmdet_ohem.host.files import write_json

_FINISHED, _BEGUN = 'finished.json', 'begun.json'


@dataclass(frozen=True)
class RunRecord:
    """A run that was begun or finished.

    Attributes:
        config: Name of the leaf.
        data: ``'full'``, the paper's, or the name of a profile.
        seed: Of the run.
        config_hash: Of the whole config.
        metrics: Key of the evaluation -> value; empty until it is finished.
        seconds: Training and test took, the interrupted starts left out.
    """

    config: str
    data: str
    seed: int
    config_hash: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def read_finished(folder: Path) -> RunRecord | None:
    """The record of a finished run.

    Args:
        folder: Of the run.

    Returns:
        The record; None where the run is not finished.

    Raises:
        ValueError: The file is something else.
    """
    return _read(folder / _FINISHED)


def read_begun(folder: Path) -> RunRecord | None:
    """The record of a run that was begun.

    Args:
        folder: Of the run.

    Returns:
        The record; None where it was not.

    Raises:
        ValueError: The file is something else.
    """
    return _read(folder / _BEGUN)


def write_finished(folder: Path, record: RunRecord) -> None:
    """Mark a run as finished, whole or not at all.

    Args:
        folder: Of the run.
        record: Its result.
    """
    write_json(folder / _FINISHED, asdict(record))


def write_begun(folder: Path, record: RunRecord) -> None:
    """Note what a run is of.

    Args:
        folder: Of the run.
        record: Without metrics.
    """
    write_json(folder / _BEGUN, asdict(record))


def _read(path: Path) -> RunRecord | None:
    if not path.exists():
        return None
    try:
        return RunRecord(**json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{path} is no record of a run ({error}). Remedy: delete it; the '
            'run is then done again from its last checkpoint'
        ) from error
