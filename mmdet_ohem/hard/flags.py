"""Which RoIs are flagged.

Shapes: ``R`` RoIs of one image, ``C`` classes.
"""

from dataclasses import dataclass

from mmcv.ops import batched_nms
from torch import Tensor

from mmdet_ohem.hard.records import FALSE_POSITIVE, MISSING, OTHER_CLASS
from mmdet_ohem.mining.rules import PredictedRoIs


@dataclass(frozen=True)
class FlagRules:
    """When a RoI is flagged.

    Attributes:
        score_thr: Least score of the prediction.
        far_iou: A RoI is far from all objects below this IoU.
        on_iou: A RoI is on an object from this IoU on.
        nms_iou_thr: Of flagged RoIs of a class and kind, those that overlap a
            higher-scored one more than this are not flagged.
    """

    score_thr: float = 0.7
    far_iou: float = 0.1
    on_iou: float = 0.6
    nms_iou_thr: float = 0.3

    def __post_init__(self) -> None:
        for name in ('score_thr', 'far_iou', 'on_iou', 'nms_iou_thr'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f'{name} is {value}, expected 0 to 1')


def find_flags(
    rois: PredictedRoIs, overlaps: Tensor, refined: Tensor, rules: FlagRules
) -> dict[str, Tensor]:
    """Flag the RoIs of an image that are confidently something else.

    Args:
        rois: All of them.
        overlaps: Largest IoU of each with an object of any kind, (R,).
        refined: The same of the refined boxes, (R,).
        rules: When.

    Returns:
        Indices by flag, by descending score. A RoI has one flag at most. The
        boxes that are compared are the refined ones.
    """
    scores, predicted = rois.scores[:, :-1].max(1)
    sure = (scores >= rules.score_thr) & rois.is_finite
    far = (overlaps < rules.far_iou) & (refined < rules.far_iou)
    background = sure & ~rois.is_fg
    on_object = (overlaps >= rules.on_iou) & rois.is_fg
    masks = {
        MISSING: background & far,
        OTHER_CLASS: sure & on_object & (predicted != rois.labels),
        FALSE_POSITIVE: background & ~far,
    }
    return {
        flag: _distinct(mask, rois, scores, predicted, rules.nms_iou_thr)
        for flag, mask in masks.items()
    }


def _distinct(
    mask: Tensor,
    rois: PredictedRoIs,
    scores: Tensor,
    predicted: Tensor,
    iou_thr: float,
) -> Tensor:
    """Indices of masked RoIs of which no two are the same thing."""
    inds = mask.nonzero().squeeze(1)
    if not len(inds):
        return inds
    _, kept = batched_nms(
        rois.refined_boxes[inds].float(),
        scores[inds].float(),
        predicted[inds],
        dict(type='nms', iou_threshold=iou_thr),
    )
    return inds[kept]
