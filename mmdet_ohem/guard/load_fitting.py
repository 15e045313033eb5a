"""Load a checkpoint into a detector, or refuse it."""

import os
from typing import Any

from mmengine.runner import load_checkpoint
from torch import nn

from mmdet_ohem.guard.weights_fit import classes_of, compare, name_classes
from mmdet_ohem.host.detectors import num_classes_of_heads
from mmdet_ohem.host.weights_loading import when_loaded


def load_fitting(
    detector: nn.Module, file: str | os.PathLike[str]
) -> dict[str, Any]:
    """Load weights to detect with, all that the detector has.

    Only the number of classes counts, not their names: those of the
    checkpoint are the right ones.

    Args:
        detector: Not wrapped.
        file: The checkpoint.

    Returns:
        All of the checkpoint.

    Raises:
        ValueError: Weights are missing or of another shape, or it was trained
            on another number of classes.
    """
    names: list[list[str]] = [[], []]

    def keep(missing: list[str], superfluous: list[str]) -> None:
        names[:] = missing, superfluous

    stop = when_loaded(detector, keep)
    try:
        loaded = load_checkpoint(detector, os.fspath(file), map_location='cpu')
    finally:
        stop()
    misfit = compare(loaded, detector, *names)
    classes = classes_of(loaded)
    heads = num_classes_of_heads(detector)
    fits = classes is None or set(heads.values()) <= {len(classes)}
    if fits and not misfit.is_partial:
        return loaded
    found = ', '.join(f'model.{k}.num_classes={v}' for k, v in heads.items())
    details = misfit.describe()
    weights = f' The weights do not fit the model: {details}.'
    raise ValueError(
        f'{os.fspath(file)} was trained on {name_classes(classes)}; the '
        f'config has {found or "no heads"}.{weights if details else ""} '
        'Remedy: give the config that the checkpoint was trained by'
    )
