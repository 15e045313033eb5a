"""A sampler of mmdet that only gathers.

Relies on mmdet 3.3.0: ``BaseSampler.sample`` adds the ground truth, asks
``_sample_pos`` and ``_sample_neg`` for indices and makes the
``SamplingResult``; the ``AssignResult`` it is given has the ground truth at
its head afterwards.
"""

from typing import Any

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import BaseSampler, SamplingResult
from mmengine.structures import InstanceData
from torch import Tensor


class GatheringSampler(BaseSampler):
    """Every RoI that the assigner did not ignore, foreground first.

    Args:
        num: Not a limit here; for those who choose among all.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
    """

    def __init__(self, num: int = 1, add_gt_as_proposals: bool = True) -> None:
        # All of them may be foreground: the base class does not choose.
        super().__init__(
            num, pos_fraction=1.0, add_gt_as_proposals=add_gt_as_proposals
        )

    def gather(
        self,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
    ) -> SamplingResult:
        """All RoIs of an image, whatever ``sample`` of a subclass does.

        Args:
            assign_result: What each RoI was assigned to.
            pred_instances: ``priors``, xyxy in pixels of the resized image,
                shape (R, 4).
            gt_instances: ``bboxes``, shape (G, 4), and ``labels``, (G,).

        Returns:
            A result with all of them. It also has ``max_overlaps``, the IoUs
            of all proposals with the ground truth, ignored ones among them,
            or None where the assigner computes none.
        """
        result = BaseSampler.sample(
            self, assign_result, pred_instances, gt_instances
        )
        result.max_overlaps = assign_result.max_overlaps
        return result

    def _sample_pos(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        """Indices of all foreground RoIs, shape (P,)."""
        return (assign_result.gt_inds > 0).nonzero().squeeze(1)

    def _sample_neg(
        self, assign_result: AssignResult, num_expected: int, **kwargs: Any
    ) -> Tensor:
        """Indices of all background RoIs, shape (R - P,)."""
        return (assign_result.gt_inds == 0).nonzero().squeeze(1)
