"""OHEM is on, and has something to choose from."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmdet_ohem.counts import Count
from mmdet_ohem.guard.mining_facts import describe, warnings_about
from mmdet_ohem.host.assigners import check_neg_iou_thr
from mmdet_ohem.host.detectors import (
    proposals_per_image,
    roi_assigners,
    roi_samplers,
)
from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch.sampler_listener import SampledImage, listen


@HOOKS.register_module()
class MiningCheckHook(Hook):
    """Say which sampler each stage has, and warn where it chooses nothing.

    At the start of a training there is one line a stage, and a warning where
    the config probably means something else: mmdet's own ``OHEMSampler``, or
    a ``pos_fraction`` that the rule does not have.

    A rule chooses hard RoIs only if more of them compete than it takes:
    where the NMS leaves ``num`` RoIs or fewer in most images of an interval,
    all are trained on. A warning says so, after the first such interval and
    then ever more rarely.

    Only sizes of tensors are looked at, which the host knows.

    Args:
        interval: Iterations over which images are counted.

    Raises:
        ValueError: ``interval`` is below 1; in ``before_train``, the assigner
            would give no RoI to the background.
    """

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self._stages: list[_Stage] = []
        self._stops: list[Callable[[], None]] = []

    def before_train(self, runner: Runner) -> None:
        """Describe the samplers, and listen to them."""
        self.after_train(runner)  # of a training that broke off
        for assigner in roi_assigners(runner.model):
            check_neg_iou_thr(assigner)
        samplers = roi_samplers(runner.model)
        num_rois = _rois_in_words(runner)
        self._stages = [_Stage(i, x.num) for i, x in enumerate(samplers)]
        for stage, sampler in zip(self._stages, samplers, strict=True):
            where = f'stage {stage.index}: '
            _log(where + describe(sampler, num_rois), logging.INFO)
            for warning in warnings_about(sampler):
                _log(where + warning, logging.WARNING)
            self._stops.append(listen(sampler, partial(_count, stage)))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Warn where a stage had nothing to choose from."""
        if self.every_n_train_iters(runner, self.interval):
            for stage in self._stages:
                stage.report()

    def after_train(self, runner: Runner) -> None:
        """Leave the samplers as they were."""
        for stop in self._stops:
            stop()
        self._stops.clear()


class _Stage:
    """Counts the images of a stage in which all RoIs were taken."""

    def __init__(self, index: int, num: int) -> None:
        self.index = index
        self.num = num
        self._num_images = self._num_short = self._num_kept = 0
        self._num_reports = 0

    def add(self, num_kept: int) -> None:
        """Count an image of which so many RoIs competed."""
        self._num_images += 1
        self._num_kept += num_kept
        self._num_short += num_kept <= self.num

    def report(self) -> None:
        """Warn if most images were short of RoIs, and begin again."""
        images, short, kept = self._num_images, self._num_short, self._num_kept
        self._num_images = self._num_short = self._num_kept = 0
        if 2 * short <= images:
            return
        self._num_reports += 1
        if self._num_reports & (self._num_reports - 1):
            return  # only the 1st, 2nd, 4th, 8th and so on
        _log(
            f'stage {self.index}: in {short} of {images} images no more than '
            f'num={Count(self.num):RoI} competed ({kept / images:.1f} an '
            'image), so '
            'all of them are trained on and nothing is mined. Remedy: a '
            'smaller num in train_cfg.rcnn.sampler, or more proposals '
            '(train_cfg.rpn_proposal.max_per_img)',
            logging.WARNING,
        )


def _count(stage: _Stage, image: SampledImage) -> None:
    """Look at the RoIs that competed, where losses are known."""
    if image.record is not None:
        stage.add(len(image.record.kept))


def _rois_in_words(runner: Runner) -> str:
    """How many RoIs an image has, as far as it is known before training."""
    num = proposals_per_image(runner)
    return 'the RoIs' if num is None else f'about {Count(num):RoI}'


def _log(text: str, level: int) -> None:
    print_log(text, logger='current', level=level)
