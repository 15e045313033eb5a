"""Every RoI is gathered that is not ignored."""

import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.structures import InstanceData

from mmdet_ohem.host.samplers import GatheringSampler
from tests.tiny import random_boxes


@pytest.mark.parametrize('add_gt', [False, True])
def test_gathers_all_but_ignored_rois(add_gt: bool) -> None:
    gt = InstanceData(bboxes=random_boxes(2), labels=torch.tensor([3, 1]))
    assigned = AssignResult(
        num_gts=2,
        gt_inds=torch.tensor([0, 2, -1, 0, 1]),
        max_overlaps=torch.zeros(5),
        labels=torch.tensor([-1, 1, -1, -1, 3]),
    )
    proposals = InstanceData(priors=random_boxes(5))
    sampler = GatheringSampler(1, add_gt_as_proposals=add_gt)
    result = sampler.sample(assigned, proposals, gt)
    # Ground truth, where it is added, comes before the proposals.
    added = [0, 1] if add_gt else []
    start = len(added)
    assert result.pos_inds.tolist() == [*added, start + 1, start + 4]
    assert result.neg_inds.tolist() == [start, start + 3]


def test_no_roi_at_all() -> None:
    gt = InstanceData(
        bboxes=random_boxes(0), labels=torch.zeros(0, dtype=torch.long)
    )
    assigned = AssignResult(
        0, torch.zeros(0, dtype=torch.long), torch.zeros(0), torch.zeros(0)
    )
    result = GatheringSampler().sample(
        assigned, InstanceData(priors=random_boxes(0)), gt
    )
    assert len(result.priors) == 0
