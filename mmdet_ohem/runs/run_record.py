"""What a run leaves behind: its record, read again by the next call."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

_FINISHED, _BEGUN = 'finished.json', 'begun.json'


@dataclass(frozen=True)
class RunRecord:
    """A run that was begun or finished.

    Attributes:
        config: Name of the leaf.
        data: ``'full'`` or ``'demo'``.
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
    """
    return _read(folder / _FINISHED)


def read_begun(folder: Path) -> RunRecord | None:
    """The record of a run that was begun.

    Args:
        folder: Of the run.

    Returns:
        The record; None where it was not.
    """
    return _read(folder / _BEGUN)


def write_finished(folder: Path, record: RunRecord) -> None:
    """Mark a run as finished, whole or not at all.

    Args:
        folder: Of the run.
        record: What it came to.
    """
    _write(folder / _FINISHED, record)


def write_begun(folder: Path, record: RunRecord) -> None:
    """Note what a run is of.

    Args:
        folder: Of the run.
        record: Without metrics.
    """
    _write(folder / _BEGUN, record)


def _read(path: Path) -> RunRecord | None:
    return RunRecord(**json.loads(path.read_text())) if path.exists() else None


def _write(path: Path, record: RunRecord) -> None:
    partial = path.with_suffix('.partial')
    partial.write_text(json.dumps(asdict(record), indent=1) + '\n')
    os.replace(partial, path)
