"""Online Hard Example Mining as an mmdet sampler."""

import copy
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import BaseSampler, SamplingResult
from mmdet.structures.bbox import get_box_tensor
from mmengine.logging import print_log
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.registry import TASK_UTILS

_UNUSED_KEYS = ('pos_fraction', 'neg_pos_ub')
_DEFAULT_HEAD = dict(type='mmdet_ohem.ReadOnlyBBoxHead')


@TASK_UTILS.register_module()
class OHEMSampler(BaseSampler):
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
    and ``neg_pos_ub`` are accepted, and reported once as unused.

    Args:
        num: RoIs **per image**, B / N in the paper (64 for B = 128, N = 2).
        nms_iou_thr: RoIs above this IoU are duplicates; None: no NMS.
        class_aware_nms: Boxes suppress only boxes of their own label, as in
            the authors' released code.
        readonly_head: Config of what scores the RoIs.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        context: The RoI head, passed by mmdet itself.

    Raises:
        TypeError: An unknown key, or a head without RoIs, such as an RPN.
        ValueError: ``num`` or ``nms_iou_thr`` is out of range.
    """

    def __init__(
        self,
        num: int,
        nms_iou_thr: float | None = 0.7,
        class_aware_nms: bool = False,
        readonly_head: dict | None = None,
        add_gt_as_proposals: bool = True,
        context: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        _check_keys(kwargs)
        if num < 1:
            raise ValueError(f'num must be at least 1 RoI, got {num}')
        if nms_iou_thr is not None and not 0 <= nms_iou_thr <= 1:
            raise ValueError(
                f'nms_iou_thr must be None or in [0, 1], got {nms_iou_thr}'
            )
        # All of pos_fraction is allowed to be foreground: the base class only
        # gathers the candidates for us.
        super().__init__(
            num, pos_fraction=1.0, add_gt_as_proposals=add_gt_as_proposals
        )
        self.nms_iou_thr = nms_iou_thr
        self.class_aware_nms = class_aware_nms
        self.readonly_head = TASK_UTILS.build(
            readonly_head or _DEFAULT_HEAD,
            default_args=dict(roi_head=context, stage=_stage_of(context)),
        )
        #: RoIs so far whose loss was not finite; they are never mined.
        self.num_non_finite = 0

    def sample(
        self,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        feats: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> SamplingResult:
        """Mine the hard examples of one image.

        Args:
            assign_result: What each RoI was assigned to.
            pred_instances: ``priors``, xyxy in pixels of the resized image,
                shape (R, 4).
            gt_instances: ``bboxes``, shape (G, 4), and ``labels``, (G,).
            feats: Features of the image, tensors of shape (1, C, H, W).
            **kwargs: Passed on to mmdet's base class.

        Returns:
            The mined RoIs, at most ``num``, foreground and background each by
            descending loss.
        """
        if feats is None:
            raise TypeError(
                'OHEMSampler.sample needs feats, the features of the image, '
                'to score RoIs; the RoI head that calls it passes none'
            )
        candidates = super().sample(
            assign_result, pred_instances, gt_instances, feats=feats, **kwargs
        )
        losses = self.readonly_head(feats, candidates)
        self._report_non_finite(losses)
        return self._mine(candidates, losses)

    def _sample_pos(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        """All foreground RoIs are candidates; indices, shape (P,)."""
        return (assign_result.gt_inds > 0).nonzero().squeeze(1)

    def _sample_neg(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        """All background RoIs are candidates; indices, shape (R - P,)."""
        return (assign_result.gt_inds == 0).nonzero().squeeze(1)

    def _mine(
        self, candidates: SamplingResult, losses: Tensor
    ) -> SamplingResult:
        """Reduce ``candidates`` to the hard ones.

        Args:
            candidates: All RoIs, foreground first.
            losses: Their losses, in that order, shape (R,).

        Returns:
            A result of the same kind with at most ``num`` RoIs.
        """
        num_pos = len(candidates.pos_inds)
        # Back to the order of the proposals, by which ties are broken.
        order = torch.cat([candidates.pos_inds, candidates.neg_inds]).argsort()
        labels = None
        if self.class_aware_nms:
            labels = torch.full_like(order, -1)  # background
            labels[:num_pos] = candidates.pos_gt_labels
            labels = labels[order]
        hard = order[
            select_hard_examples(
                losses[order],
                get_box_tensor(candidates.priors)[order],
                self.num,
                self.nms_iou_thr,
                labels,
            )
        ]
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


def take_rois(
    result: SamplingResult, pos: Tensor, neg: Tensor
) -> SamplingResult:
    """Keep some RoIs of a sampling result.

    Args:
        result: Left as it is.
        pos: Which of its foreground RoIs to keep, in this order.
        neg: Which of its background RoIs to keep, in this order.

    Returns:
        A new result; ``avg_factor`` and counts are those of the kept RoIs.
    """
    taken = copy.copy(result)
    for name, value in vars(result).items():
        for prefix, kept in (('pos_', pos), ('neg_', neg)):
            if name.startswith(prefix):
                setattr(taken, name, value[kept])
    # mmdet counts at least one of each, so that no division is by zero.
    taken.num_pos = max(len(pos), 1)
    taken.num_neg = max(len(neg), 1)
    taken.avg_factor = taken.num_pos
    if result.avg_factor_with_neg:
        taken.avg_factor += taken.num_neg
    return taken


def _stage_of(context: nn.Module | None) -> int | None:
    """Stage of a cascade that this sampler is being built for."""
    if hasattr(context, 'num_stages'):
        return getattr(context, 'current_stage', None)
    return None


def _check_keys(kwargs: dict[str, Any]) -> None:
    """Report inherited keys without a use, refuse unknown ones."""
    unknown = sorted(set(kwargs) - set(_UNUSED_KEYS))
    if unknown:
        known = 'num, nms_iou_thr, class_aware_nms, readonly_head, '
        raise TypeError(
            f'OHEMSampler has no key {", ".join(map(repr, unknown))}; it has '
            f'{known}add_gt_as_proposals (and ignores '
            f'{" and ".join(_UNUSED_KEYS)})'
        )
    unused = tuple(sorted(kwargs))
    if unused:
        _report_unused(unused)


@cache
def _report_unused(keys: tuple[str, ...]) -> None:
    """Say it once a process; a cascade builds a sampler per stage."""
    print_log(
        f'OHEMSampler does not use {" and ".join(keys)}: foreground and '
        'background are ranked together',
        logger='current',
        level=logging.INFO,
    )
