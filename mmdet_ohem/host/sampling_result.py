"""Sampling results of mmdet, put in order and cut down.

Relies on ``SamplingResult`` of mmdet 3.3.0: what it knows of each foreground
RoI is in attributes whose names start with ``pos_``, of each background RoI
in ``neg_``, also in attributes that others added.
"""

import copy

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from torch import Tensor


def proposal_order(result: SamplingResult) -> tuple[Tensor, Tensor]:
    """Order of the proposals, by which equal losses are ranked.

    Args:
        result: Its R RoIs have the foreground first.

    Returns:
        Indices of the RoIs among the proposals, ascending, and the row of
        ``result`` that each is in, both of shape (R,).
    """
    inds, order = torch.cat([result.pos_inds, result.neg_inds]).sort()
    return inds, order


def take_rois(
    result: SamplingResult, pos: Tensor, neg: Tensor
) -> SamplingResult:
    """Keep some RoIs of a sampling result.

    Args:
        result: Left as it is.
        pos: Which of its foreground RoIs to keep, in this order.
        neg: Which of its background RoIs to keep, in this order.

    Returns:
        A new result; ``avg_factor`` and counts are those of the kept RoIs.
    """
    taken = copy.copy(result)
    for name, value in vars(result).items():
        for prefix, kept in (('pos_', pos), ('neg_', neg)):
            if name.startswith(prefix):
                setattr(taken, name, value[kept])
    # mmdet counts at least one of each, so that no division is by zero.
    taken.num_pos = max(len(pos), 1)
    taken.num_neg = max(len(neg), 1)
    taken.avg_factor = taken.num_pos
    if result.avg_factor_with_neg:
        taken.avg_factor += taken.num_neg
    return taken
