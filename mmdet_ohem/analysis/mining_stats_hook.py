"""What is mined, in the log."""

from collections import Counter
from functools import wraps
from typing import Any

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmdet_ohem.registry import HOOKS

# Below this IoU with the ground truth the heuristic of Fast R-CNN (2015)
# samples no background, section 3.1 of the paper.
_HEURISTIC_BG_LO = 0.1


@HOOKS.register_module()
class MiningStatsHook(Hook):
    """Log what the sampler of the RoI head makes of the RoIs.

    Works with any sampler, so that a baseline can be compared, and with every
    stage of a cascade (all stages together). Through the message hub, each
    ``interval`` iterations, over the iterations since:

    - ``mining/num_rois``: RoIs of an image, ground truth included;
    - ``mining/num_sampled``: of these, trained on;
    - ``mining/fg_share``: foreground among all RoIs, percent;
    - ``mining/sampled_fg_share``: foreground among those trained on, percent;
    - ``mining/sampled_far_bg_share``: background trained on whose IoU with
      the ground truth is below 0.1, percent of the background trained on.

    Args:
        interval: Iterations between two records.
    """

    def __init__(self, interval: int = 10) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self._counts: Counter[str] = Counter()
        self._restore: list[tuple[Any, Any]] = []

    def before_train(self, runner: Runner) -> None:
        """Listen to the samplers.

        Args:
            runner: The runner of the training.

        Raises:
            TypeError: The detector has no RoI head with a sampler.
        """
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        samplers = getattr(
            getattr(model, 'roi_head', None), 'bbox_sampler', None
        )
        if not samplers:
            raise TypeError(
                f'MiningStatsHook: {type(model).__name__} has no '
                'roi_head.bbox_sampler to report on. Remedy: leave the hook '
                'out of custom_hooks'
            )
        if not isinstance(samplers, (list, tuple)):
            samplers = [samplers]
        for sampler in samplers:
            self._listen(sampler)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        """Record the shares.

        Args:
            runner: The runner of the training.
            batch_idx: Iteration of this loop.
            data_batch: Not used.
            outputs: Not used.
        """
        if not self.every_n_train_iters(runner, self.interval):
            return
        for name, value in self.shares().items():
            runner.message_hub.update_scalar(f'train/mining/{name}', value)
        self._counts.clear()

    def after_train(self, runner: Runner) -> None:
        """Leave the samplers as they were.

        Args:
            runner: The runner of the training.
        """
        for sampler, replaced in self._restore:
            if replaced is None:
                del sampler.sample
            else:
                sampler.sample = replaced
        self._restore.clear()

    def shares(self) -> dict[str, float]:
        """Statistics since the last record; nothing where nothing was seen."""
        count = self._counts
        if not count['images']:
            return {}
        shares = {
            'num_rois': count['rois'] / count['images'],
            'num_sampled': count['sampled'] / count['images'],
            'fg_share': 100 * count['fg'] / max(count['rois'], 1),
            'sampled_fg_share': 100
            * count['sampled_fg']
            / max(count['sampled'], 1),
        }
        if count['measured_bg']:
            shares['sampled_far_bg_share'] = (
                100 * count['far_bg'] / count['measured_bg']
            )
        return shares

    def count(
        self, assign_result: AssignResult, sampling_result: SamplingResult
    ) -> None:
        """Add one image.

        Args:
            assign_result: What all RoIs were assigned to, ground truth among
                them already.
            sampling_result: Which of them are trained on.
        """
        num_fg = len(sampling_result.pos_inds)
        neg_inds = sampling_result.neg_inds
        # Not known where no IoU is computed, as by HungarianAssigner.
        overlaps = assign_result.max_overlaps
        bg_overlaps = [] if overlaps is None else overlaps[neg_inds].tolist()
        self._counts.update(
            images=1,
            rois=assign_result.num_preds,
            fg=int((assign_result.gt_inds > 0).sum()),
            sampled=num_fg + len(neg_inds),
            sampled_fg=num_fg,
            measured_bg=len(bg_overlaps),
            far_bg=sum(iou < _HEURISTIC_BG_LO for iou in bg_overlaps),
        )

    def _listen(self, sampler: Any) -> None:
        """Count each result of one sampler."""
        sample = sampler.sample
        # Of another listener, such as that of a training that broke off.
        replaced = vars(sampler).get('sample')

        @wraps(sample)
        def counted(
            assign_result: AssignResult, *args: Any, **kwargs: Any
        ) -> SamplingResult:
            result = sample(assign_result, *args, **kwargs)
            # ScoreHLRSampler puts label weights beside it.
            first = result[0] if isinstance(result, tuple) else result
            self.count(assign_result, first)
            return result

        sampler.sample = counted
        self._restore.append((sampler, replaced))
