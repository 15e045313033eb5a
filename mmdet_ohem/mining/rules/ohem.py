"""Online hard example mining, section 4 of the paper."""

import torch
from torch import Tensor

from mmdet_ohem.mining.hard_examples import rank_hard_examples
from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import ScoredRoIs
from mmdet_ohem.mining.rules.rule import RULES, undecided_of
from mmdet_ohem.mining.undecided import undecided_hard_examples


@RULES.register_module()
def ohem(
    rois: ScoredRoIs,
    num: int,
    nms_iou_thr: float | None = 0.7,
    class_aware_nms: bool = False,
    ranked_by: str = 'total',
) -> Choice:
    """Choose the RoIs with the largest losses, near-duplicates left out.

    Foreground and background are ranked together, see
    :func:`~mmdet_ohem.select_hard_examples`.

    Args:
        rois: Of one image, with their losses.
        num: RoIs to choose, B / N in the paper.
        nms_iou_thr: RoIs above this IoU with a harder one are duplicates;
            None: no NMS.
        class_aware_nms: Boxes suppress only boxes of their own label, as in
            the authors' released code.
        ranked_by: Which loss is meant: 'total', as in the paper; 'cls' or
            'loc' alone.

    Returns:
        The hard examples by descending loss.

    Raises:
        ValueError: ``nms_iou_thr`` is outside [0, 1], or there is no such
            loss.
    """
    ranked = rank_hard_examples(
        _losses(rois, ranked_by),
        rois.boxes,
        nms_iou_thr,
        rois.labels if class_aware_nms else None,
    )
    return Choice(ranked[:num], left_out=left_out_of_ranking(rois, ranked))


@undecided_of('ohem')
def undecided_by_ohem(
    rois: ScoredRoIs,
    num: int,
    errors: Tensor,
    nms_iou_thr: float | None = 0.7,
    class_aware_nms: bool = False,
    ranked_by: str = 'total',
) -> Tensor:
    """RoIs whose exact losses may change the choice.

    Args:
        rois: As for :func:`ohem`, as the other arguments.
        num: RoIs to choose.
        errors: How much each loss may be wrong, shape (R,).
        nms_iou_thr: Of duplicates.
        class_aware_nms: Whether labels are apart.
        ranked_by: Which loss is meant.

    Returns:
        Shape (R,), bool.
    """
    return undecided_hard_examples(
        _losses(rois, ranked_by),
        errors,
        rois.boxes,
        num,
        nms_iou_thr,
        rois.labels if class_aware_nms else None,
    )


def _losses(rois: ScoredRoIs, ranked_by: str) -> Tensor:
    """The losses to rank by, shape (R,)."""
    known = ('total', 'cls', 'loc')
    if ranked_by not in known:
        raise ValueError(f'ranked_by must be one of {known}, got {ranked_by}')
    return getattr(rois.losses, ranked_by)


def left_out_of_ranking(rois: ScoredRoIs, ranked: Tensor) -> dict[str, Tensor]:
    """Why RoIs are missing from a ranking.

    Args:
        rois: All of them.
        ranked: As of :func:`~mmdet_ohem.mining.rank_hard_examples`.

    Returns:
        Masks of shape (R,) by reason.
    """
    is_ranked = torch.zeros_like(rois.is_fg)
    is_ranked[ranked] = True
    return {
        'duplicate': rois.is_finite & ~is_ranked,
        'not finite': ~rois.is_finite,
    }
