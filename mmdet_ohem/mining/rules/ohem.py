"""Online hard example mining, section 4 of the paper."""

import torch
from torch import Tensor

from mmdet_ohem.mining.hard_examples import rank_hard_examples
from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import ScoredRoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def ohem(
    rois: ScoredRoIs,
    num: int,
    nms_iou_thr: float | None = 0.7,
    class_aware_nms: bool = False,
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

    Returns:
        The hard examples by descending loss.

    Raises:
        ValueError: ``nms_iou_thr`` is outside [0, 1].
    """
    ranked = rank_hard_examples(
        rois.losses.total,
        rois.boxes,
        nms_iou_thr,
        rois.labels if class_aware_nms else None,
    )
    return Choice(ranked[:num], left_out=left_out_of_ranking(rois, ranked))


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
