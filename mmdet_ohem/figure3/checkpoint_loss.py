"""The result of one checkpoint, on disk as long as it holds.

A small JSON file for each checkpoint, written whole or not at all, so that an
interrupted analysis goes on where it stopped.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from mmdet_ohem.figure3.loss_sums import MeanLoss, mean_losses
from mmdet_ohem.host.files import write_text

# Raised when the definition of the loss over all RoIs changes.
_VERSION = 1


@dataclass(frozen=True)
class CheckpointLoss:
    """The loss over all RoIs at one checkpoint.

    Attributes:
        checkpoint: Name of the file.
        iteration: Iterations it was trained for.
        num_images: Images whose RoIs were taken.
        seconds: The analysis took.
        sums: As a nested list, shape (S, K, C).
    """

    checkpoint: str
    iteration: int
    num_images: int
    seconds: float
    sums: list

    @property
    def means(self) -> list[MeanLoss]:
        """Mean losses by stage and kind."""
        return mean_losses(self.table)

    @property
    def table(self) -> Tensor:
        """Sums, shape (S, K, C), float64."""
        return torch.tensor(self.sums, dtype=torch.float64)

    def save(self, path: Path) -> None:
        """Write the file in one step.

        Args:
            path: The file; missing folders are made.
        """
        # In one line: the sums of a cascade would be a hundred lines.
        write_text(path, json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> 'CheckpointLoss | None':
        """Read a file; None where there is none.

        Args:
            path: The file.

        Returns:
            What :meth:`save` wrote, to the last bit.

        Raises:
            ValueError: The file is something else.
        """
        if not path.exists():
            return None
        try:
            return cls(**json.loads(path.read_text()))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{path} is no result of a checkpoint ({error}). Remedy: '
                'delete it; it is computed again'
            ) from error


def result_path(
    folder: Path, checkpoint: Path, settings: Mapping[str, object]
) -> Path:
    """Where the result of a checkpoint is kept.

    Args:
        folder: Of all results.
        checkpoint: The file; its size and time are part of the name, so that
            a training that is done again is analysed again.
        settings: What the result depends on besides, as JSON can hold it.

    Returns:
        ``folder/<run>-<checkpoint>-<hash>.json``.
    """
    stat = checkpoint.stat()
    identity = dict(
        version=_VERSION,
        checkpoint=str(checkpoint.resolve()),
        size=stat.st_size,
        modified=stat.st_mtime_ns,
        settings=dict(settings),
    )
    text = json.dumps(identity, sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return folder / f'{checkpoint.parent.name}-{checkpoint.stem}-{key}.json'
