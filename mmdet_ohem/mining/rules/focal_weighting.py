"""Focal weights of RoIs."""

import torch

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.random_rois import random_rois
from mmdet_ohem.mining.rules.rois import PredictedRoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def focal_weighting(
    rois: PredictedRoIs,
    num: int,
    pos_fraction: float = 0.25,
    gamma: float = 2.0,
) -> Choice:
    """Random RoIs; each counts the less the surer the network is of it.

    Lin et al., Focal Loss for Dense Object Detection, ICCV 2017
    (https://arxiv.org/abs/1708.02002): the weight of an example is
    (1 - p) ** gamma, p being the probability of its true class. Unlike the
    gradient of a focal loss, the weight is a constant here. Weights are
    scaled to a mean of 1, so that the learning rate keeps its meaning, and
    count for classification only.

    Args:
        rois: Of one image, with predictions.
        num: RoIs to choose.
        pos_fraction: As for ``random``.
        gamma: 0: all count the same.

    Returns:
        Random RoIs with weights.

    Raises:
        ValueError: ``gamma`` is negative, or ``pos_fraction`` is outside
            [0, 1].
    """
    if gamma < 0:
        raise ValueError(f'gamma must be 0 or more, got {gamma}')
    inds = random_rois(rois, num, pos_fraction).inds
    # -1, background, is the last column.
    scores = rois.scores[inds, rois.labels[inds]]
    weights = (1 - scores.float()) ** gamma
    mean = weights.sum() / max(len(inds), 1)
    even = torch.ones_like(weights)
    return Choice(
        inds, torch.where(mean > 0, weights / mean, even), weigh_loc=False
    )
