"""Nothing runs on weights that do not fit."""

import logging
from collections.abc import Callable
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdet_ohem.counts import Count
from mmdet_ohem.guard.weights_fit import (
    Misfit,
    as_classes,
    classes_of,
    compare,
    name_classes,
)
from mmdet_ohem.host.resuming import (
    Loading,
    checkpoint_to_load,
    dataset_in_use,
    purpose_of_loading,
)
from mmdet_ohem.host.weights_loading import unwrapped, when_loaded
from mmdet_ohem.registry import HOOKS


@HOOKS.register_module()
class WeightsFitHook(Hook):
    """Compare each checkpoint that a runner loads with model and dataset.

    mmengine loads what fits and writes the rest into the log: weights that
    the checkpoint lacks stay random, and are tested as if they were trained.

    - Test and ``--resume``: weights that are missing or of another shape, and
      other classes (their names or their order), are an error.
    - ``load_from`` of a training: what is not taken is counted and named in a
      warning.

    Args:
        classes: Whether the names of the classes are compared; False lets a
            checkpoint be tested on a dataset that calls them otherwise.

    Raises:
        ValueError: At test or resume: they do not fit.
    """

    def __init__(self, classes: bool = True) -> None:
        self.classes = classes
        self._stop: Callable[[], None] | None = None
        self._look: Callable[..., None] | None = None

    def after_load_checkpoint(
        self, runner: Runner, checkpoint: dict[str, Any]
    ) -> None:
        """Compare classes now, and weights once torch has loaded them."""
        self._done()
        model = unwrapped(runner.model)
        is_new_training = purpose_of_loading(runner) is Loading.FINE_TUNE
        theirs, ours = classes_of(checkpoint), _classes(runner)
        file = checkpoint_to_load(runner) or 'the checkpoint'
        about = (
            f'{file} was trained on {name_classes(theirs)}; the config has '
            f'{name_classes(ours)}'
        )

        def look(
            missing: list[str] | None = None,
            superfluous: list[str] | None = None,
        ) -> None:
            self._look = None
            misfit = compare(checkpoint, model, missing, superfluous)
            if misfit.is_partial and not is_new_training:
                raise ValueError(_refusal(about, misfit.describe()))
            _report(about, misfit)

        compares = self.classes and not is_new_training
        if compares and theirs and ours and theirs != ours:
            details = compare(checkpoint, model).describe()
            raise ValueError(_refusal(about, details))
        self._stop, self._look = when_loaded(model, look), look

    def before_train(self, runner: Runner) -> None:
        """Loading is over; look now if torch did not tell of it."""
        self._done()
        if self._look is not None:
            self._look()

    before_val = before_train
    before_test = before_train

    def _done(self) -> None:
        if self._stop is not None:
            self._stop()
            self._stop = None


def _classes(runner: Runner) -> tuple[str, ...] | None:
    """The classes of the dataset that the weights are loaded for."""
    meta = getattr(dataset_in_use(runner), 'metainfo', None) or {}
    return as_classes(meta.get('classes'))


def _refusal(about: str, details: str) -> str:
    weights = f' The weights do not fit the model: {details}.'
    return (
        f'{about}.{weights if details else ""} Remedy: give the config that '
        'the checkpoint was trained by, with its classes in its order. To '
        'begin from it with other classes, train with load_from and without '
        'resume'
    )


def _report(about: str, misfit: Misfit) -> None:
    """Say in a warning what a checkpoint has no weights, or no use, for."""
    if details := misfit.describe():
        num = len(misfit.missing) + len(misfit.reshaped)
        print_log(
            f'{about}. Of {Count(misfit.num_weights):weight} of the model, '
            f'{num} {Count(num):is|are} not taken from it: {details}',
            logger='current',
            level=logging.WARNING,
        )
