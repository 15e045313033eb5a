"""RoIs for the tests of mining rules."""

from typing import Any

import torch
from torch import Tensor

from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import PredictedRoIs

NUM_CLASSES = 3


def random_rois(num_fg: int = 6, num_bg: int = 30) -> PredictedRoIs:
    """RoIs in random places, foreground among background."""
    num = num_fg + num_bg
    corner = torch.rand(num, 2) * 200
    boxes = torch.cat([corner, corner + 20 + torch.rand(num, 2) * 60], 1)
    labels = torch.full((num,), -1)
    places = torch.randperm(num)[:num_fg]
    labels[places] = torch.arange(num_fg) % NUM_CLASSES
    gt_inds = labels.clone()
    overlaps = torch.rand(num) * 0.49
    overlaps[places] = 0.5 + torch.rand(num_fg) / 2
    loc = torch.rand(num) * (labels >= 0)
    shift = torch.randn(num, 4)
    return PredictedRoIs(
        boxes=boxes,
        labels=labels,
        gt_inds=gt_inds,
        gt_boxes=(boxes + 3) * (labels >= 0)[:, None],
        max_overlaps=overlaps,
        losses=RoILosses(torch.rand(num), loc),
        scores=torch.randn(num, NUM_CLASSES + 1).softmax(1),
        refined_boxes=boxes + shift,
    )


def rois_by_hand(
    cls: list[float],
    loc: list[float] | None = None,
    labels: list[int] | None = None,
    boxes: Tensor | None = None,
    **changes: Any,
) -> PredictedRoIs:
    """RoIs that do not overlap, with these losses and labels."""
    num = len(cls)
    apart = torch.arange(num)[:, None] * 100.0 + torch.tensor([0, 0, 9, 9])
    fields: dict[str, Any] = dict(
        boxes=apart if boxes is None else boxes,
        labels=torch.tensor(labels or [-1] * num),
        gt_inds=torch.tensor(labels or [-1] * num),
        gt_boxes=torch.zeros(num, 4),
        max_overlaps=torch.zeros(num),
        losses=RoILosses(torch.tensor(cls), torch.tensor(loc or [0.0] * num)),
        scores=torch.full((num, NUM_CLASSES + 1), 1 / (NUM_CLASSES + 1)),
        refined_boxes=apart,
    )
    return PredictedRoIs(**fields | changes)
