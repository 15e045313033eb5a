"""What is mined, in the log."""

from collections.abc import Callable
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmdet_ohem.host.message_hub import record_mean
from mmdet_ohem.host.schedules import logging_interval
from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch.mining_stats import MiningStats, as_statistics
from mmdet_ohem.watch.sampler_listener import listen, samplers_of


@HOOKS.register_module()
class MiningStatsHook(Hook):
    """Log what the sampler of the RoI head makes of the RoIs.

    Through the message hub, and so in the text log, TensorBoard and WandB,
    over the iterations since the last record. Of any sampler, so that a
    baseline can be compared:

    - ``mining/num_rois``: RoIs of an image, ground truth included;
    - ``mining/num_sampled``: of these, trained on;
    - ``mining/fg_share``: foreground among all RoIs, percent;
    - ``mining/sampled_fg_share``: foreground among those trained on, percent;
    - ``mining/sampled_far_bg_share``: background trained on whose IoU with
      the ground truth is below 0.1, percent of the background trained on.

    Of :class:`~mmdet_ohem.OHEMSampler`, and of each other mining rule for
    which all RoIs are scored, also:

    - ``mining/num_kept``: RoIs of an image that the NMS left;
    - ``mining/loss``: mean loss of all RoIs, what a training lowers;
    - ``mining/sampled_loss``: mean loss of those mined, higher by the rule;
    - ``mining/non_finite_share``: RoIs whose loss is not finite, percent;
      they are in neither mean;
    - ``mining/num_effective``: of rules that weight RoIs, how many of weight
      1 the chosen ones of an image amount to, (sum w)^2 / sum w^2.

    Of a cascade these are over all stages together, and each stage has its
    own beside them, as in ``mining/s0/num_rois``. Several processes log the
    statistics of all their images: sums are added up once a record.

    Nothing waits for the GPU between two records.

    Args:
        interval: Iterations between two records; None is the interval of the
            runner's ``LoggerHook``, so that a record covers what is between
            two lines of the log.

    Raises:
        ValueError: ``interval`` is below 1.
        TypeError: At the start of a training: the detector has no RoI head
            with a sampler.
    """

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self._stages: list[MiningStats] = []
        self._stops: list[Callable[[], None]] = []

    def before_train(self, runner: Runner) -> None:
        """Listen to the samplers."""
        self.after_train(runner)  # of a training that broke off
        samplers = samplers_of(runner.model, type(self).__name__)
        self._stages = [MiningStats() for _ in samplers]
        self._stops = [
            listen(sampler, stats.add)
            for sampler, stats in zip(samplers, self._stages, strict=True)
        ]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Record the statistics where the log writes a line."""
        if not self._is_due(runner, batch_idx):
            return
        for name, value in self.statistics().items():
            key = f'train/mining/{name}'
            record_mean(runner.message_hub, key, value)
        for stats in self._stages:
            stats.clear()

    def after_train(self, runner: Runner) -> None:
        """Leave the samplers as they were."""
        for stop in self._stops:
            stop()
        self._stops.clear()

    def statistics(self) -> dict[str, float]:
        """Statistics since the last record, of all processes.

        Every process has to call it.

        Returns:
            Values by name, without what nothing is known of.
        """
        totals = torch.stack([stats.totals() for stats in self._stages])
        all_reduce(totals)
        statistics = as_statistics(totals.sum(0))
        if len(totals) > 1:
            for stage, stage_totals in enumerate(totals):
                for name, value in as_statistics(stage_totals).items():
                    statistics[f's{stage}/{name}'] = value
        return statistics

    def _is_due(self, runner: Runner, batch_idx: int) -> bool:
        """The iterations at which mmengine's LoggerHook writes, too."""
        interval = self.interval or logging_interval(runner)
        if self.every_n_inner_iters(batch_idx, interval):
            return True
        # An epoch that is shorter than the interval has one line.
        loader = runner.train_dataloader
        return len(loader) <= interval and self.end_of_epoch(loader, batch_idx)
