"""The folder that a training leaves behind."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import load_checkpoint
from torch import nn

_CHECKPOINT = re.compile(r'(iter|epoch)_(\d+)\.pth')


@dataclass(frozen=True)
class TrainedRun:
    """A training: its config and what it saved.

    Attributes:
        folder: mmdet's ``--work-dir``.
        config: As dumped by the training.
        checkpoints: ``iter_*.pth`` or ``epoch_*.pth``, in order.
    """

    folder: Path
    config: Config
    checkpoints: tuple[Path, ...]


def open_run(folder: Path, numbers: Sequence[int] | None = None) -> TrainedRun:
    """Find the config and the checkpoints of a run.

    Args:
        folder: mmdet's ``--work-dir``.
        numbers: Take only these: iterations, or epochs where checkpoints are
            named by epochs. None takes all.

    Returns:
        The run.

    Raises:
        FileNotFoundError: There is no config, or no (such) checkpoint.
        ValueError: There are several configs.
    """
    config = open_config(folder)
    found = {
        int(match[2]): path
        for path in folder.glob('*.pth')
        if (match := _CHECKPOINT.fullmatch(path.name))
    }
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
    chosen = sorted(found if numbers is None else set(numbers))
    return TrainedRun(
        folder=folder,
        config=config,
        checkpoints=tuple(found[number] for number in chosen),
    )


def open_config(folder: Path, import_custom_modules: bool = True) -> Config:
    """Find the config that a training has dumped.

    Args:
        folder: mmdet's ``--work-dir``.
        import_custom_modules: Whether what it imports has to be there.

    Returns:
        The config.

    Raises:
        FileNotFoundError: There is no folder, or no config in it.
        ValueError: There are several configs.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f'{folder} is no folder. Remedy: give the --work-dir of a training'
        )
    configs = sorted(folder.glob('*.py'))
    if not configs:
        raise FileNotFoundError(
            f'{folder} holds no config (*.py): it is no work dir of a '
            'training. Remedy: give the --work-dir of mim train'
        )
    if len(configs) > 1:
        names = ', '.join(path.name for path in configs)
        raise ValueError(
            f'{folder} holds several configs ({names}). Remedy: leave only '
            'the one that its checkpoints were trained with'
        )
    return Config.fromfile(
        configs[0], import_custom_modules=import_custom_modules
    )


def load_weights(detector: nn.Module, checkpoint: Path) -> int:
    """Load a checkpoint, all of it: what is missing would be random.

    Args:
        detector: Built by the run's config.
        checkpoint: One of the run's.

    Returns:
        Iterations it was trained for.

    Raises:
        ValueError: Weights are missing, superfluous or of another shape.
    """
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


def _join(numbers: Sequence[int]) -> str:
    return ', '.join(map(str, numbers))
