"""Rules of mmdet's own samplers, run by mmdet's own code."""

import torch
from mmdet.models.task_modules.samplers import (
    IoUBalancedNegSampler,
    ScoreHLRSampler,
)

from mmdet_ohem.host.stock_samplers import KnownPredictions, run_stock_sampler
from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.random_rois import check_pos_fraction
from mmdet_ohem.mining.rules.rois import PredictedRoIs, RoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def iou_balanced_negatives(
    rois: RoIs,
    num: int,
    pos_fraction: float = 0.25,
    floor_thr: float = -1,
    floor_fraction: float = 0,
    num_bins: int = 3,
) -> Choice:
    """Foreground at random, background spread evenly over IoU.

    Pang et al., Libra R-CNN, CVPR 2019 (https://arxiv.org/abs/1904.02701), by
    mmdet's ``IoUBalancedNegSampler``, whose documentation explains the keys.

    Args:
        rois: Of one image, with IoUs.
        num: RoIs to choose.
        pos_fraction: Largest share of foreground.
        floor_thr: IoU below which background is easy.
        floor_fraction: Share of easy background.
        num_bins: Intervals of IoU that get equal numbers.

    Returns:
        Foreground first.

    Raises:
        ValueError: A key is out of range, or the assigner computes no IoU.
    """
    check_pos_fraction(pos_fraction)
    for key, value, fits, expected in (
        (
            'floor_thr',
            floor_thr,
            floor_thr >= 0 or floor_thr == -1,
            '-1, 0 or more',
        ),
        ('floor_fraction', floor_fraction, 0 <= floor_fraction <= 1, '0 to 1'),
        ('num_bins', num_bins, num_bins >= 1, '1 or more'),
    ):
        if not fits:
            raise ValueError(f'{key} is {value}, expected {expected}')
    if rois.max_overlaps is None:
        raise ValueError(
            'the rule iou_balanced_negatives needs the IoU of each RoI, which '
            'this assigner does not compute. Remedy: MaxIoUAssigner'
        )
    sampler = IoUBalancedNegSampler(
        num,
        pos_fraction,
        add_gt_as_proposals=False,
        floor_thr=floor_thr,
        floor_fraction=floor_fraction,
        num_bins=num_bins,
    )
    pos, neg, _ = run_stock_sampler(sampler, rois)
    return Choice(torch.cat([pos, neg]))


@RULES.register_module()
def score_hlr(
    rois: PredictedRoIs,
    num: int,
    pos_fraction: float = 0.25,
    k: float = 0.5,
    bias: float = 0.0,
    score_thr: float = 0.05,
    iou_thr: float = 0.5,
) -> Choice:
    """Foreground at random, background weighted by its Score-HLR.

    Cao et al., Prime Sample Attention, CVPR 2020
    (https://arxiv.org/abs/1904.04821), the background part of ISR, by mmdet's
    ``ScoreHLRSampler``, whose documentation explains the keys. For the
    foreground see ``isr``.

    Args:
        rois: Of one image, with predictions.
        num: RoIs to choose.
        pos_fraction: Largest share of foreground.
        k: Power of the importance.
        bias: Importance of the last rank.
        score_thr: Background below this score is drawn at random.
        iou_thr: Of the grouping of background by its refined boxes.

    Returns:
        Foreground first, with weights of 1; background with weights.

    Raises:
        ValueError: ``pos_fraction`` is outside [0, 1].
    """
    check_pos_fraction(pos_fraction)
    sampler = ScoreHLRSampler(
        num,
        pos_fraction,
        context=KnownPredictions(rois),
        add_gt_as_proposals=False,
        k=k,
        bias=bias,
        score_thr=score_thr,
        iou_thr=iou_thr,
    )
    pos, neg, neg_weights = run_stock_sampler(sampler, rois, feats=None)
    if neg_weights is None:
        neg_weights = torch.ones_like(neg, dtype=torch.float32)
    ones = torch.ones_like(pos, dtype=torch.float32)
    return Choice(
        torch.cat([pos, neg]),
        torch.cat([ones, neg_weights.float()]),
        weigh_loc=False,
    )
