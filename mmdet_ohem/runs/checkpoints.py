"""The checkpoints of a run: which there are, and which can be used."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log
from mmengine.runner import load_checkpoint
from torch import nn

from mmdet_ohem.runs.torn_checkpoints import (
    REMEDY,
    find_flaw,
    refuse_torn,
)

_NAME = re.compile(r'(iter|epoch)_(\d+)\.pth')


def find_checkpoints(folder: Path) -> dict[int, Path]:
    """Find the checkpoints of a run, whole or torn.

    Args:
        folder: mmdet's ``--work-dir``.

    Returns:
        ``iter_*.pth`` or ``epoch_*.pth`` by number, in order.
    """
    found = {
        int(match[2]): path
        for path in folder.glob('*.pth')
        if (match := _NAME.fullmatch(path.name))
    }
    return dict(sorted(found.items()))


def checkpoint_path(folder: Path, iteration: int) -> Path:
    """Where mmengine saves the checkpoint of an iteration.

    Args:
        folder: mmdet's ``--work-dir``.
        iteration: Of an iteration-based training, from 1.

    Returns:
        The file, which need not exist.
    """
    return folder / f'iter_{iteration}.pth'


def select_checkpoints(
    folder: Path, numbers: Sequence[int] | None = None
) -> tuple[Path, ...]:
    """Find whole checkpoints of a run.

    Of all checkpoints, torn ones are left out with a warning.

    Args:
        folder: mmdet's ``--work-dir``.
        numbers: Take only these: iterations, or epochs where checkpoints are
            named by epochs. None takes all.

    Returns:
        The files, in order.

    Raises:
        FileNotFoundError: There is no (such) checkpoint, or no whole one.
        TornCheckpointError: One that was asked for is torn.
    """
    found = find_checkpoints(folder)
    if not found:
        raise FileNotFoundError(
            f'{folder} holds no checkpoint (iter_*.pth, epoch_*.pth). '
            'Remedy: train it, with default_hooks.checkpoint.interval below '
            'the number of iterations and max_keep_ckpts=-1'
        )
    missing = sorted(set(numbers or ()) - found.keys())
    if missing:
        raise FileNotFoundError(
            f'{folder} holds no checkpoint {_join(missing)}, only '
            f'{_join(sorted(found))}. Remedy: choose among these, or every'
        )
    if numbers is not None:
        chosen = tuple(found[number] for number in sorted(set(numbers)))
        for path in chosen:
            refuse_torn(path)
        return chosen
    whole = tuple(path for path in found.values() if not is_torn(path))
    if not whole:
        raise FileNotFoundError(
            f'{folder} holds no whole checkpoint: all of {_join(found)} are '
            f'torn. {REMEDY}'
        )
    return whole


def load_weights(detector: nn.Module, checkpoint: Path) -> int:
    """Load a checkpoint, all of it: what is missing would be random.

    Args:
        detector: Built by the run's config.
        checkpoint: One of the run's.

    Returns:
        Iterations it was trained for.

    Raises:
        TornCheckpointError: The file is torn, at its end or in its middle.
        ValueError: Weights are missing, superfluous or of another shape.
    """
    refuse_torn(checkpoint, thorough=True)
    try:
        loaded = load_checkpoint(
            detector,
            str(checkpoint),
            map_location='cpu',
            strict=True,
            logger='silent',
        )
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} does not fit the config beside it: {error}. '
            'Remedy: give the --work-dir of one training'
        ) from error
    number = int(checkpoint.stem.rpartition('_')[2])
    return int(loaded.get('meta', {}).get('iter', number))


def is_torn(path: Path, thorough: bool = False) -> bool:
    """Whether a checkpoint is torn; if it is, a warning says so.

    Args:
        path: The file.
        thorough: As for :func:`find_flaw`.
    """
    flaw = find_flaw(path, thorough)
    if flaw:
        print_log(
            f'{path} {flaw}; it is left out. {REMEDY}',
            logger='current',
            level=logging.WARNING,
        )
    return flaw is not None


def _join(numbers: Sequence[int] | dict[int, Path]) -> str:
    return ', '.join(map(str, numbers))
