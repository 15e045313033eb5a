"""A training whose loss is not finite stops."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.guard.bad_iterations import BadIterations, Iteration
from mmdet_ohem.guard.last_good import last_good_checkpoint
from mmdet_ohem.host.detectors import roi_samplers
from mmdet_ohem.host.schedules import saves_checkpoint_now
from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch.sampler_listener import SampledImage, listen

_REMEDY = (
    'Remedy: lower optim_wrapper.optimizer.lr, warm it up (param_scheduler '
    'LinearLR), or set optim_wrapper.clip_grad; look at these images, for '
    'pixels that are not finite, and at the boxes and target_stds of their '
    'ground truth'
)


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop a training that computes nothing any more.

    An iteration is bad if its loss is NaN or infinite, or if there is an
    image of which no RoI, or no foreground RoI, has a finite loss: mining
    then leaves all of them out, and the loss of what is left may look good.
    After ``num_iters`` bad ones in a row, the training stops with an error
    that names the first of them. One alone is no reason to stop: mixed
    precision skips a step now and then.

    On a GPU the flags stay on the device and are read each ``interval``
    iterations, and before a checkpoint is written; on a CPU, at once.

    RoIs whose loss is not finite, and bad iterations that did not stop the
    training, are counted; each count is a warning at the end of an interval
    in which it grew.

    Args:
        num_iters: Bad iterations in a row after which the training stops.
        interval: Iterations between two readings.

    Raises:
        ValueError: A value is below 1.
        FloatingPointError: In a training: it is to stop. The message names
            iteration, images, learning rate and the last good checkpoint.
    """

    def __init__(self, num_iters: int = 5, interval: int = 50) -> None:
        for name, value in dict(
            num_iters=num_iters, interval=interval
        ).items():
            if value < 1:
                raise ValueError(f'{name} must be at least 1, got {value}')
        self.num_iters = num_iters
        self.interval = interval
        self._iterations = BadIterations(num_iters)
        self._rois_without_loss: list[Tensor] = []
        self._num_rois = self._num_bad = 0  # that warnings told of
        self._stops: list[Callable[[], None]] = []

    def before_train(self, runner: Runner) -> None:
        """Listen to the samplers, where the detector has any."""
        self._stop_listening()  # to those of a training that broke off
        self._iterations = BadIterations(self.num_iters)
        self._num_rois, self._num_bad = _num_non_finite(runner), 0
        self._stops = [
            listen(sampler, self._look_at)
            for sampler in roi_samplers(runner.model)
        ]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Keep the flags of this iteration, and read them when it is time."""
        losses = _losses(outputs or {})
        if not losses:
            return
        flags = self._flags(losses)
        self._iterations.add(
            Iteration(
                number=runner.iter + 1,
                lr=_learning_rate(runner),
                images=_image_names(data_batch),
                losses=losses,
                flags=flags,
            )
        )
        is_late = len(self._iterations) >= self.interval
        if (
            is_late
            or flags.device.type == 'cpu'
            or saves_checkpoint_now(runner)
        ):
            self._read(runner)
        if self.every_n_train_iters(runner, self.interval):
            self._warn(runner)

    def after_train(self, runner: Runner) -> None:
        """Read what is left, and leave the samplers as they were."""
        self._read(runner)
        self._warn(runner)
        self._stop_listening()

    def _look_at(self, image: SampledImage) -> None:
        """Note on the device whether an image has RoIs to learn from."""
        record = image.record
        if record is not None and len(record.losses):
            is_finite = record.losses.isfinite()
            is_fg = record.labels >= 0
            none_at_all = ~is_finite.any()
            no_fg = is_fg.any() & ~(is_fg & is_finite).any()
            self._rois_without_loss.append(none_at_all | no_fg)

    def _flags(self, losses: dict[str, Tensor]) -> Tensor:
        """Whether the loss is not finite, and whether an image has no RoIs."""
        total = losses.get('loss')
        if total is None:
            total = torch.stack([x.sum() for x in losses.values()]).sum()
        is_bad = ~total.detach().isfinite().all()
        images, self._rois_without_loss = self._rois_without_loss, []
        without = torch.stack(images).any() if images else ~is_bad & is_bad
        return torch.stack([is_bad, without])

    def _read(self, runner: Runner) -> None:
        """Stop if too many iterations in a row were bad."""
        row = self._iterations.read()
        if row:
            self._stop_listening()
            raise FloatingPointError(
                f'{Count(len(row)):iteration} in a row computed nothing to '
                'learn '
                f'from, the first of them iteration {_describe(row[0])}. '
                f'{last_good_checkpoint(runner)}. {_REMEDY}'
            )

    def _warn(self, runner: Runner) -> None:
        """Say what was not finite since the last warning."""
        total, bad = _num_non_finite(runner), self._iterations.num_bad
        if total > self._num_rois:
            _log(
                f'iteration {runner.iter + 1}: the loss of '
                f'{Count(total - self._num_rois):more RoI} '
                f'{Count(total - self._num_rois):was|were} not finite '
                f'({total} so far); they are not mined'
            )
        last = self._iterations.last
        if last is not None and bad > self._num_bad:
            _log(
                f'{Count(bad - self._num_bad):more iteration} computed '
                'nothing to '
                f'learn from ({bad} so far), the last of them iteration '
                f'{_describe(last)}. The training stops after '
                f'{self.num_iters} in a row. {_REMEDY}'
            )
        self._num_rois, self._num_bad = total, bad

    def _stop_listening(self) -> None:
        for stop in self._stops:
            stop()
        self._stops.clear()
        self._rois_without_loss.clear()


def _log(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)


def _describe(iteration: Iteration) -> str:
    """An iteration for the error: its number, and why it is bad."""
    values = ', '.join(
        f'{name} {float(value.sum()):.4g}'
        for name, value in iteration.losses.items()
    )
    is_bad, _ = tuple(iteration.flags)
    reason = (
        'its loss is not finite'
        if is_bad
        else 'an image has no (foreground) RoI with a finite loss'
    )
    images = ', '.join(iteration.images) or 'unnamed images'
    return (
        f'{iteration.number}: {reason} ({values}; learning rate '
        f'{iteration.lr:.4g}; images {images})'
    )


def _losses(outputs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The losses of an iteration, as mmengine's models return them."""
    return {
        name: value.detach()
        for name, value in outputs.items()
        if 'loss' in name and isinstance(value, Tensor)
    }


def _learning_rate(runner: Runner) -> float:
    """Of the first group of parameters, nan where there is none."""
    rates = [x for x in runner.optim_wrapper.get_lr().values() if x]
    return float(rates[0][0]) if rates else float('nan')


def _image_names(data_batch: Any) -> list[str]:
    """Paths of the images of a batch, as far as it has them."""
    samples = (
        data_batch.get('data_samples')
        if isinstance(data_batch, Mapping)
        else None
    )
    if not isinstance(samples, list | tuple):
        return []
    names = [getattr(sample, 'img_path', None) for sample in samples]
    return [str(name) for name in names if name is not None]


def _num_non_finite(runner: Runner) -> int:
    """RoIs without a finite loss so far, of all stages."""
    samplers = roi_samplers(runner.model)
    return sum(getattr(x, 'num_non_finite', 0) for x in samplers)
