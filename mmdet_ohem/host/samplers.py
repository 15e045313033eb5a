"""Samplers of mmdet: how they are asked for RoIs.

Relies on ``BaseSampler.sample`` of mmdet 3.3.0, which adds the ground truth
to the proposals and gathers what ``_sample_pos`` and ``_sample_neg`` choose.
"""

from typing import Any

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import BaseSampler
from torch import Tensor


class GatheringSampler(BaseSampler):
    """Gather every RoI that the assigner did not ignore, without a limit.

    Args:
        num: Not a limit here; read by those who choose among all.
        add_gt_as_proposals: Whether ground-truth boxes are RoIs, too.
    """

    def __init__(self, num: int = 1, add_gt_as_proposals: bool = True) -> None:
        # All of pos_fraction is allowed to be foreground: the base class only
        # gathers the RoIs.
        super().__init__(
            num, pos_fraction=1.0, add_gt_as_proposals=add_gt_as_proposals
        )

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
