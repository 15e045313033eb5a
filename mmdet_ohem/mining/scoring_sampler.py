"""What samplers share that choose by the loss of the current network."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem.mining.all_roi_sampler import AllRoISampler
from mmdet_ohem.registry import TASK_UTILS

_DEFAULT_HEAD = dict(type='mmdet_ohem.ReadOnlyBBoxHead')


class ScoringSampler(AllRoISampler):
    """Gather all RoIs of an image, for a choice among them by their loss.

    Args:
        num: RoIs per image.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
        readonly_head: Config of what scores the RoIs.
        context: The RoI head, passed by mmdet itself.

    Raises:
        TypeError: A head without RoIs, such as an RPN.
    """

    def __init__(
        self,
        num: int,
        add_gt_as_proposals: bool = True,
        readonly_head: dict | None = None,
        context: nn.Module | None = None,
    ) -> None:
        super().__init__(num, add_gt_as_proposals)
        self.readonly_head = TASK_UTILS.build(
            readonly_head or _DEFAULT_HEAD,
            default_args=dict(roi_head=context, stage=_stage_of(context)),
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
            At most ``num`` RoIs.

        Raises:
            TypeError: There are no features.
        """
        if feats is None:
            raise TypeError(
                f'{type(self).__name__}.sample needs feats, the features of '
                'the image, to score RoIs; the RoI head that calls it passes '
                'none'
            )
        candidates = super().sample(
            assign_result, pred_instances, gt_instances, feats=feats, **kwargs
        )
        return self._choose(candidates, feats, assign_result.max_overlaps)

    @abstractmethod
    def _choose(
        self,
        candidates: SamplingResult,
        feats: Sequence[Tensor],
        max_overlaps: Tensor | None,
    ) -> SamplingResult:
        """Reduce ``candidates`` to the RoIs that are trained on.

        Args:
            candidates: All RoIs, foreground first.
            feats: Features of the image.
            max_overlaps: IoU of all proposals, ignored ones among them.

        Returns:
            A result of the same kind with at most ``num`` RoIs.
        """


def _stage_of(context: nn.Module | None) -> int | None:
    """Stage of a cascade that a sampler is being built for."""
    if hasattr(context, 'num_stages'):
        return getattr(context, 'current_stage', None)
    return None
