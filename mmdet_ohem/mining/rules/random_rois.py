"""Random RoIs in a fixed ratio: Fast R-CNN's heuristic."""

import torch
from torch import Tensor

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import RoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module(name='random')
def random_rois(
    rois: RoIs, num: int, pos_fraction: float = 0.25, neg_pos_ub: float = -1
) -> Choice:
    """Draw RoIs at random, at most a part of them foreground.

    Section 3.1 of the paper; the same RoIs as mmdet's ``RandomSampler`` draws
    from the same random state. The lower IoU bound of background, bg_lo, is
    the assigner's affair (``neg_iou_thr``), as in mmdet.

    Args:
        rois: Of one image.
        num: RoIs to draw.
        pos_fraction: Largest share of foreground.
        neg_pos_ub: At most so many background RoIs for each foreground RoI
            (for one, where there is none); negative: no bound.

    Returns:
        Foreground first.

    Raises:
        ValueError: ``pos_fraction`` is outside [0, 1].
    """
    check_pos_fraction(pos_fraction)
    pos = draw(rois.is_fg.nonzero().squeeze(1), int(num * pos_fraction))
    num_neg = num - len(pos)
    if neg_pos_ub >= 0:
        num_neg = min(num_neg, int(neg_pos_ub * max(1, len(pos))))
    neg = draw((~rois.is_fg).nonzero().squeeze(1), num_neg)
    return Choice(torch.cat([pos, neg]))


def draw(inds: Tensor, num: int) -> Tensor:
    """Draw some of the indices, all of them where there are not more.

    Args:
        inds: Shape (n,).
        num: How many.

    Returns:
        Shape (min(n, num),), in ascending order of their places in ``inds``.
    """
    if len(inds) <= num:
        return inds
    # On the CPU, as mmdet does, so that a GPU draws the same.
    places = torch.randperm(len(inds))[:num].sort().values
    return inds[places.to(inds.device)]


def check_pos_fraction(value: float) -> None:
    """Refuse a share that is none.

    Args:
        value: Of the key ``pos_fraction``.

    Raises:
        ValueError: It is outside [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f'pos_fraction must be in [0, 1], got {value}')
