"""Hard negative mining by confidence, which OHEM generalises."""

import torch

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.random_rois import check_pos_fraction, draw
from mmdet_ohem.mining.rules.rois import ScoredRoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def hard_negatives(
    rois: ScoredRoIs, num: int, pos_fraction: float = 0.25
) -> Choice:
    """Foreground at random, background by confidence.

    1. At most ``num * pos_fraction`` foreground RoIs are drawn at random.
    2. The rest is background, by descending confidence of the network that
       the RoI is an object. For a softmax head that is the order of its
       classification loss, which is what is ranked.

    Args:
        rois: Of one image, with their losses.
        num: RoIs to choose.
        pos_fraction: Largest share of foreground.

    Returns:
        Foreground first.

    Raises:
        ValueError: ``pos_fraction`` is outside [0, 1].
    """
    check_pos_fraction(pos_fraction)
    pos = draw(rois.is_fg.nonzero().squeeze(1), int(num * pos_fraction))
    confidence = rois.losses.cls
    competes = ~rois.is_fg & confidence.isfinite()
    order = confidence.argsort(descending=True, stable=True)
    neg = order[competes[order]][: num - len(pos)]
    not_finite = ~rois.is_fg & ~confidence.isfinite()
    return Choice(torch.cat([pos, neg]), left_out={'not finite': not_finite})
