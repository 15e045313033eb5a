"""What became of the RoIs of one image."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import ScoredRoIs


@dataclass(frozen=True)
class MiningRecord:
    """What a mining rule made of the RoIs of one image.

    R RoIs that were candidates (the assigner ignored none of them), in the
    order of the proposals, ground truth first where it is among them.

    Attributes:
        boxes: xyxy in pixels of the resized image, shape (R, 4).
        losses: Loss of each RoI, shape (R,), float32.
        labels: Class of each foreground RoI, -1 for background, shape (R,).
        max_overlaps: Largest IoU with the ground truth, shape (R,); None
            where the assigner computes none.
        kept: Indices of the RoIs that the rule let compete (OHEM: those that
            the NMS left), by descending loss.
        hard: Indices of the RoIs that are trained on.
        weights: How much the loss of each of ``hard`` counts, shape (K,);
            None: each counts 1.
    """

    boxes: Tensor
    losses: Tensor
    labels: Tensor
    max_overlaps: Tensor | None
    kept: Tensor
    hard: Tensor
    weights: Tensor | None = None


def record_of(rois: ScoredRoIs, choice: Choice) -> MiningRecord:
    """Put down what a rule made of RoIs.

    Args:
        rois: All of them.
        choice: Of the rule.

    Returns:
        The record.
    """
    losses = rois.losses.total
    competed = torch.ones_like(rois.is_fg)
    for left_out in choice.left_out.values():
        competed &= ~left_out
    ranking = losses.argsort(descending=True, stable=True)
    return MiningRecord(
        boxes=rois.boxes,
        losses=losses,
        labels=rois.labels,
        max_overlaps=rois.max_overlaps,
        kept=ranking[competed[ranking]],
        hard=choice.inds,
        weights=choice.weights,
    )
