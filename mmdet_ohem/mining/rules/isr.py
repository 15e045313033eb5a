"""Importance-based sample reweighting (ISR) of PISA, foreground part."""

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.random_rois import random_rois
from mmdet_ohem.mining.rules.rois import PredictedRoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def isr(
    rois: PredictedRoIs,
    num: int,
    pos_fraction: float = 0.25,
    k: float = 2.0,
    bias: float = 0.0,
) -> Choice:
    """Random RoIs; foreground counts by how well its refined box fits.

    Cao et al., Prime Sample Attention, CVPR 2020
    (https://arxiv.org/abs/1904.04821): foreground RoIs of a class are ranked
    by IoU-HLR, best first: by their rank among the RoIs of their object, then
    by the IoU of their refined box with it. Of n ranks (n: RoIs of
    the most frequent class) rank r has importance u = (n - r) / n and weight
    (bias + (1 - bias) u) ** k. Weights are scaled so that the sum of the
    foreground's classification losses stays, and count for classification
    only. For background see ``score_hlr``.

    Args:
        rois: Of one image, with predictions.
        num: RoIs to choose.
        pos_fraction: As for ``random``.
        k: Larger: more attention to the best.
        bias: Importance of the last rank.

    Returns:
        Random RoIs with weights.

    Raises:
        ValueError: ``pos_fraction`` is outside [0, 1].
    """
    inds = random_rois(rois, num, pos_fraction).inds
    pos = inds[rois.is_fg[inds]]
    weights = torch.ones_like(inds, dtype=torch.float32)
    if len(pos):
        rank, num_ranks = _iou_hlr(rois, pos)
        importance = (bias + (1 - bias) * (1 - rank / num_ranks)) ** k
        losses = rois.losses.cls[pos]
        scale = losses.sum() / (importance * losses).sum().clamp(min=1e-12)
        weights[: len(pos)] = importance * scale
    return Choice(inds, weights, weigh_loc=False)


def _iou_hlr(rois: PredictedRoIs, pos: Tensor) -> tuple[Tensor, Tensor]:
    """IoU-HLR of foreground RoIs within their class, and the largest class.

    Args:
        rois: All RoIs.
        pos: Indices of P foreground ones.

    Returns:
        Ranks from 0, shape (P,), and RoIs of the most frequent class, ().
    """
    iou = bbox_overlaps(
        rois.refined_boxes[pos], rois.gt_boxes[pos], is_aligned=True
    )
    place = torch.arange(len(pos), device=pos.device)
    # beaten[i, j]: RoI j comes before RoI i.
    beaten = (iou > iou[:, None]) | (
        (iou == iou[:, None]) & (place < place[:, None])
    )
    gt, label = rois.gt_inds[pos], rois.labels[pos]
    local = (beaten & (gt == gt[:, None])).sum(1)
    before = (local < local[:, None]) | ((local == local[:, None]) & beaten)
    same_class = label == label[:, None]
    return (before & same_class).sum(1), same_class.sum(1).max()
