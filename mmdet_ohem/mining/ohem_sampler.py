"""Online Hard Example Mining as an mmdet sampler."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import RandomSampler, SamplingResult
from mmdet.structures.bbox import get_box_tensor
from mmengine.logging import MessageHub, print_log
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.host.roi_heads import check_roi_head
from mmdet_ohem.host.sampling_result import proposal_order, take_rois
from mmdet_ohem.mining.hard_examples import rank_hard_examples
from mmdet_ohem.mining.inherited_keys import check_inherited_keys
from mmdet_ohem.mining.mining_record import MiningRecord
from mmdet_ohem.mining.scoring_sampler import ScoringSampler
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class OHEMSampler(ScoringSampler):
    """Train on the RoIs that the current network does worst on.

    For each image, section 4 of the paper (https://arxiv.org/abs/1604.03540):

    1. every RoI, ground truth included, is scored by the read-only network:
       its loss is the sum of classification and localisation;
    2. :func:`~mmdet_ohem.select_hard_examples` ranks foreground and
       background together, removes near-duplicates by NMS on the loss and
       takes the first ``num``.

    There is no ratio of foreground to background and no lower IoU bound for
    background; set ``neg_iou_thr=0.5`` in the assigner to have all of it.
    RoIs that the assigner ignores (-1) are not candidates.

    A config changes only ``type`` of an inherited sampler: ``pos_fraction``
    and ``neg_pos_ub`` are accepted, and reported once as unused (a warm-up
    uses them).

    Args:
        num: RoIs **per image**, B / N in the paper (64 for B = 128, N = 2).
        nms_iou_thr: RoIs above this IoU are duplicates; None: no NMS.
        class_aware_nms: Boxes suppress only boxes of their own label, as in
            the authors' released code.
        readonly_head: Config of what scores the RoIs.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        warmup_iters: Iterations, of the runner, in which RoIs are drawn at
            random as by mmdet's ``RandomSampler``: a head that starts from
            random weights learns slowly from hard examples alone. Not in the
            paper; 0 is off.
        context: The RoI head, passed by mmdet itself.

    Raises:
        TypeError: An unknown key, or a head without RoIs, such as an RPN.
        ValueError: ``num``, ``nms_iou_thr`` or ``warmup_iters`` is out of
            range.
    """

    def __init__(
        self,
        num: int | None = None,
        nms_iou_thr: float | None = 0.7,
        class_aware_nms: bool = False,
        readonly_head: dict | None = None,
        add_gt_as_proposals: bool = True,
        warmup_iters: int = 0,
        context: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        # A head without RoIs has a sampler with other keys: say that first.
        check_roi_head(context)
        check_inherited_keys(kwargs, used=warmup_iters > 0)
        if num is None or num < 1:
            raise ValueError(f'num must be at least 1 RoI, got {num}')
        if nms_iou_thr is not None and not 0 <= nms_iou_thr <= 1:
            raise ValueError(
                f'nms_iou_thr must be None or in [0, 1], got {nms_iou_thr}'
            )
        if warmup_iters < 0:
            raise ValueError(
                f'warmup_iters must be 0 or more, got {warmup_iters}'
            )
        super().__init__(num, add_gt_as_proposals, readonly_head, context)
        self.nms_iou_thr = nms_iou_thr
        self.class_aware_nms = class_aware_nms
        self.warmup_iters = warmup_iters
        self.warmup_sampler = RandomSampler(
            num,
            kwargs.get('pos_fraction', 0.25),
            kwargs.get('neg_pos_ub', -1),
            add_gt_as_proposals,
        )
        #: RoIs so far whose loss was not finite; they are never mined.
        self.num_non_finite = 0
        #: What became of the RoIs of the image that was mined last.
        self.last_record: MiningRecord | None = None

    def sample(
        self,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        feats: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> SamplingResult:
        """Mine the hard examples of one image, or draw while warming up.

        Args:
            assign_result: As for :class:`ScoringSampler`, as all arguments.
            pred_instances: The proposals.
            gt_instances: The ground truth.
            feats: Features of the image.
            **kwargs: Passed on.

        Returns:
            The mined RoIs, at most ``num``, foreground and background each by
            descending loss.
        """
        # Without features, a warm-up shall fail as early as what follows it.
        if feats is not None and self._is_warming_up():
            self.last_record = None
            return self.warmup_sampler.sample(
                assign_result, pred_instances, gt_instances, **kwargs
            )
        return super().sample(
            assign_result, pred_instances, gt_instances, feats, **kwargs
        )

    def _is_warming_up(self) -> bool:
        """Whether the iteration of the runner is one of the first."""
        if not self.warmup_iters:
            return False
        hub = MessageHub.get_current_instance()
        return hub.get_info('iter', 0) < self.warmup_iters

    def _choose(
        self,
        candidates: SamplingResult,
        feats: Sequence[Tensor],
        max_overlaps: Tensor | None,
    ) -> SamplingResult:
        """Reduce ``candidates`` to the hard ones."""
        losses = self.readonly_head(feats, candidates)
        self._report_non_finite(losses)
        num_pos = len(candidates.pos_inds)
        inds, order = proposal_order(candidates)
        labels = torch.full_like(order, -1)  # background
        labels[:num_pos] = candidates.pos_gt_labels
        labels, losses = labels[order], losses[order]
        boxes = get_box_tensor(candidates.priors)[order]
        kept = rank_hard_examples(
            losses,
            boxes,
            self.nms_iou_thr,
            labels if self.class_aware_nms else None,
        )
        self.last_record = MiningRecord(
            boxes=boxes.detach(),
            losses=losses,
            labels=labels,
            max_overlaps=None if max_overlaps is None else max_overlaps[inds],
            kept=kept,
            hard=kept[: self.num],
        )
        hard = order[kept[: self.num]]
        is_pos = hard < num_pos
        return take_rois(candidates, hard[is_pos], hard[~is_pos] - num_pos)

    def _report_non_finite(self, losses: Tensor) -> None:
        """Count losses that are not finite, and warn at the first ones."""
        count = len(losses) - int(losses.isfinite().sum())
        if count and not self.num_non_finite:
            print_log(
                f'OHEMSampler: the loss of {count} of {len(losses)} RoIs is '
                'not finite; they are not mined. Look for boxes without '
                'area in the ground truth, or lower the learning rate. '
                'Further ones are counted in num_non_finite only',
                logger='current',
                level=logging.WARNING,
            )
        self.num_non_finite += count
