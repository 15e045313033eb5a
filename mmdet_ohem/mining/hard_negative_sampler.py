"""Hard negative mining by confidence, which OHEM is compared with."""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import (
    BaseSampler,
    RandomSampler,
    SamplingResult,
)
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.mining.all_roi_sampler import AllRoISampler
from mmdet_ohem.mining.inherited_keys import stage_of
from mmdet_ohem.mining.sampling_result import take_rois
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class HardNegativeSampler(BaseSampler):
    """Foreground at random, background by confidence: what OHEM generalises.

    For each image,

    1. at most ``num * pos_fraction`` foreground RoIs are drawn at random;
    2. the rest is background, by descending confidence of the network, as it
       is now, that the RoI is an object. For a softmax head that is the order
       of its classification loss, which is what is ranked.

    Args:
        num: RoIs per image.
        pos_fraction: Largest share of foreground.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        readonly_head: Config of what scores the RoIs.
        context: The RoI head, passed by mmdet itself.
        **kwargs: As for mmdet's ``RandomSampler``.

    Raises:
        TypeError: A head without RoIs, such as an RPN.
    """

    def __init__(
        self,
        num: int,
        pos_fraction: float = 0.25,
        add_gt_as_proposals: bool = True,
        readonly_head: dict | None = None,
        context: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num, pos_fraction, add_gt_as_proposals=False)
        self.everything = AllRoISampler(
            add_gt_as_proposals=add_gt_as_proposals
        )
        self.random = RandomSampler(num, pos_fraction, **kwargs)
        self.readonly_head = TASK_UTILS.build(
            readonly_head or dict(type='mmdet_ohem.ReadOnlyBBoxHead'),
            default_args=dict(roi_head=context, stage=stage_of(context)),
        )

    def sample(
        self,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        feats: Sequence[Tensor] | None = None,
        **kwargs: Any,
    ) -> SamplingResult:
        """Choose the RoIs of one image.

        Args:
            assign_result: What each RoI was assigned to.
            pred_instances: ``priors``, xyxy in pixels of the resized image,
                shape (R, 4).
            gt_instances: ``bboxes``, shape (G, 4), and ``labels``, (G,).
            feats: Features of the image, tensors of shape (1, C, H, W).
            **kwargs: Passed on to mmdet's base class.

        Returns:
            At most ``num`` RoIs, background by descending confidence.
        """
        if feats is None:
            raise TypeError(
                'HardNegativeSampler.sample needs feats, the features of the '
                'image, to score RoIs; the RoI head that calls it passes none'
            )
        candidates = self.everything.sample(
            assign_result, pred_instances, gt_instances, **kwargs
        )
        num_pos = len(candidates.pos_inds)
        pos = torch.arange(num_pos, device=candidates.pos_inds.device)
        max_pos = int(self.num * self.pos_fraction)
        if num_pos > max_pos:
            pos = self.random.random_choice(pos, max_pos)
        confidence = self.readonly_head.losses(feats, candidates).cls[num_pos:]
        order = confidence.argsort(descending=True, stable=True)
        neg = order[confidence[order].isfinite()]
        return take_rois(candidates, pos, neg[: self.num - len(pos)])

    def _sample_pos(self, *args: Any, **kwargs: Any) -> Tensor:
        """Not called: :meth:`sample` is replaced as a whole."""
        raise NotImplementedError

    def _sample_neg(self, *args: Any, **kwargs: Any) -> Tensor:
        """Not called: :meth:`sample` is replaced as a whole."""
        raise NotImplementedError
