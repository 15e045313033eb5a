"""Load a checkpoint into a detector, or refuse it."""

import os
from typing import Any

from mmengine.runner import load_checkpoint
from torch import nn

from mmdet_ohem.counts import Count
from mmdet_ohem.guard.finite_weights import non_finite_tensors
from mmdet_ohem.guard.weights_fit import classes_of, compare, name_classes
from mmdet_ohem.host.detectors import num_classes_of_heads
from mmdet_ohem.host.weights_loading import when_loaded


def load_fitting(
    detector: nn.Module,
    file: str | os.PathLike[str],
    labels: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Load weights to detect with, all that the detector has.

    To detect, only the number of classes counts, not their names: those of
    the checkpoint are the right ones.

    Args:
        detector: Not wrapped.
        file: The checkpoint.
        labels: Classes of the ground truth that detections are compared
            with; None: there is none.

    Returns:
        All of the checkpoint.

    Raises:
        ValueError: Weights are missing, of another shape or not finite, or
            it was trained on another number of classes, or on those of
            ``labels`` in another order.
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
        _refuse_broken(detector, file)
        _refuse_other_order(classes, labels, file)
        return loaded
    found = ', '.join(f'model.{k}.num_classes={v}' for k, v in heads.items())
    details = misfit.describe()
    weights = f' The weights do not fit the model: {details}.'
    raise ValueError(
        f'{os.fspath(file)} was trained on {name_classes(classes)}; the '
        f'config has {found or "no heads"}.{weights if details else ""} '
        'Remedy: give the config that the checkpoint was trained by'
    )


def _refuse_broken(detector: nn.Module, file: str | os.PathLike[str]) -> None:
    """Weights that are NaN detect nothing, without an error."""
    broken = non_finite_tensors(dict(detector.named_parameters()))
    if broken:
        raise ValueError(
            f'{os.fspath(file)} has weights that are not finite: '
            f'{Count(len(broken)):tensor}, the first {broken[0]}; its '
            'training '
            'diverged. Remedy: take an earlier checkpoint, or train again '
            'with a lower optim_wrapper.optimizer.lr'
        )


def _refuse_other_order(
    classes: tuple[str, ...] | None,
    labels: tuple[str, ...] | None,
    file: str | os.PathLike[str],
) -> None:
    """Numbers of classes would be compared that mean different ones."""
    if classes is None or labels is None or classes == labels:
        return
    if set(classes) == set(labels):
        raise ValueError(
            f'{os.fspath(file)} was trained on {name_classes(classes)}; the '
            f'dataset has them in another order ({", ".join(labels)}). '
            'Remedy: give metainfo.classes the order of the checkpoint'
        )
