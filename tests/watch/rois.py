"""RoIs that go through samplers, for the tests of this folder."""

from types import SimpleNamespace
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.logging import MessageHub
from torch import Tensor, nn

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.sampler_listener import SampledImage
from tests.tiny import OHEM, assign, features, random_image

RANDOM = dict(
    type='RandomSampler',
    num=16,
    pos_fraction=0.25,
    neg_pos_ub=-1,
    add_gt_as_proposals=True,
)
SAMPLERS = [RANDOM, OHEM]


class Detector(nn.Module):
    """Something with a RoI head."""

    def __init__(self, roi_head: nn.Module) -> None:
        super().__init__()
        self.roi_head = roi_head


def runner(roi_head: nn.Module) -> Any:
    """What a hook sees of a runner."""
    return SimpleNamespace(
        model=Detector(roi_head),
        message_hub=MessageHub(name='test'),
        train_dataloader=range(1000),
        hooks=[],
        iter=0,
    )


def sample(sampler: Any, num_gts: int = 3, num_proposals: int = 60) -> Any:
    """A random image through a sampler, as RoI heads call it."""
    gt, proposals = random_image(num_gts, num_proposals)
    assign_result = assign(proposals, gt)
    return assign_result, sampler.sample(
        assign_result, proposals, gt, feats=features()
    )


def by_hand(
    record: MiningRecord | None = None, device: str = 'cpu'
) -> SampledImage:
    """Ten RoIs: three foreground, one ignored, six background.

    Sampled are one foreground and four background RoIs, of which two have an
    IoU below 0.1.
    """

    def tensor(values: list) -> Tensor:
        return torch.tensor(values, device=device)

    return SampledImage(
        AssignResult(
            num_gts=2,
            gt_inds=tensor([1, 2, 1, -1, 0, 0, 0, 0, 0, 0]),
            max_overlaps=tensor(
                [1, 0.7, 0.5, 0.4, 0.45, 0.1, 0.09, 0.05, 0, 0]
            ),
            labels=None,
        ),
        gt_instances=SimpleNamespace(),
        sampling_result=SimpleNamespace(
            pos_inds=tensor([0]), neg_inds=tensor([8, 5, 6, 4])
        ),
        record=record,
    )


def record_by_hand(device: str = 'cpu') -> MiningRecord:
    """Nine candidates; two losses not finite, six kept, five mined."""
    nan, inf = float('nan'), float('inf')
    losses = [3, nan, 1, 0.5, 2, 1.5, 0.25, 4, inf]
    return MiningRecord(
        boxes=torch.zeros(9, 4, device=device),
        losses=torch.tensor(losses, device=device),
        labels=torch.tensor([0, 1, 0, *[-1] * 6], device=device),
        max_overlaps=None,
        kept=torch.tensor([7, 0, 4, 5, 3, 6], device=device),
        hard=torch.tensor([7, 0, 4, 5, 3], device=device),
    )
