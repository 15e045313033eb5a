"""Stratified online hard example mining (S-OHEM)."""

import torch

from mmdet_ohem.mining.hard_examples import rank_hard_examples
from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.ohem import left_out_of_ranking
from mmdet_ohem.mining.rules.rois import ScoredRoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def s_ohem(
    rois: ScoredRoIs,
    num: int,
    loc_share: float = 0.25,
    nms_iou_thr: float | None = 0.7,
) -> Choice:
    """OHEM within two strata, so that neither kind of loss crowds out another.

    Li et al., S-OHEM, 2017 (https://arxiv.org/abs/1705.02233): one ranking by
    the summed loss takes mostly RoIs of the kind of loss that is larger at
    this time of the training; so places are dealt out to strata by the kind
    of loss that a RoI has. The paper's abstract says this much. The two
    strata (the box loss is the larger part of the loss, or classification
    is), a fixed share, and that a stratum's free places go to the other one
    are decisions made here.

    Args:
        rois: Of one image, with their losses.
        num: RoIs to choose.
        loc_share: Share of places for RoIs with the larger box loss.
        nms_iou_thr: As for :func:`~mmdet_ohem.mining.rules.ohem`.

    Returns:
        By descending loss.

    Raises:
        ValueError: ``loc_share`` or ``nms_iou_thr`` is outside [0, 1].
    """
    if not 0 <= loc_share <= 1:
        raise ValueError(f'loc_share must be in [0, 1], got {loc_share}')
    ranked = rank_hard_examples(rois.losses.total, rois.boxes, nms_iou_thr)
    by_loc = (rois.losses.loc > rois.losses.cls)[ranked]
    # Places in the ranking of the first RoIs of each stratum.
    loc, cls = by_loc.nonzero().squeeze(1), (~by_loc).nonzero().squeeze(1)
    num_loc = max(round(num * loc_share), num - len(cls))
    loc = loc[:num_loc]
    places = torch.cat([loc, cls[: num - len(loc)]]).sort().values
    return Choice(ranked[places], left_out=left_out_of_ranking(rois, ranked))
