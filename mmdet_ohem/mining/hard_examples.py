"""The selection rule of OHEM, section 4 of the paper, on plain tensors.

Shapes: ``R`` RoIs of one image, ``K`` of them selected, ``K <= num``.
"""

import torch
from mmcv.ops import nms
from torch import Tensor


def select_hard_examples(
    losses: Tensor,
    boxes: Tensor,
    num: int,
    nms_iou_thr: float | None = 0.7,
    labels: Tensor | None = None,
) -> Tensor:
    """Select the RoIs with the largest losses, near-duplicates left out.

    Neighbouring RoIs read the same cells of the feature map, so their losses
    are correlated and would be counted several times. Therefore

    1. RoIs are ranked by descending loss, equal losses by ascending index;
    2. greedy NMS goes down the ranking: a RoI is removed when its IoU with a
       kept one is greater than ``nms_iou_thr``;
    3. the first ``num`` of those that are left are the hard examples.

    Foreground and background compete with each other, there is no ratio.

    Args:
        losses: Loss of each RoI, shape (R,). Half precision is compared in
            float32. A loss that is not finite is never selected; count them
            with ``(~losses.isfinite()).sum()``.
        boxes: RoIs as xyxy in pixels, without +1, shape (R, 4). A box without
            area has IoU 0 with every box.
        num: How many RoIs to select at the most, B / N in the paper.
        nms_iou_thr: IoU above which a RoI is a duplicate, in [0, 1]. None
            turns the NMS off.
        labels: Label of each RoI, shape (R,), background being a label as
            well. When given, boxes suppress only boxes of their own label,
            as in the authors' released code; None is the paper's rule.

    Returns:
        Indices of the selected RoIs by descending loss, shape (K,), int64.

    Raises:
        ValueError: ``num`` is negative, ``nms_iou_thr`` is outside [0, 1], or
            the shapes do not fit together.
    """
    if num < 0:
        raise ValueError(f'num must be 0 or more, got {num}')
    return rank_hard_examples(losses, boxes, nms_iou_thr, labels)[:num]


def rank_hard_examples(
    losses: Tensor,
    boxes: Tensor,
    nms_iou_thr: float | None = 0.7,
    labels: Tensor | None = None,
) -> Tensor:
    """Rank all RoIs but the near-duplicates, steps 1 and 2 of the rule.

    Args:
        losses: As for :func:`select_hard_examples`, as the other arguments.
        boxes: Shape (R, 4).
        nms_iou_thr: IoU above which a RoI is a duplicate.
        labels: Shape (R,) or None.

    Returns:
        Indices of the RoIs left after the NMS by descending loss, int64.

    Raises:
        ValueError: ``nms_iou_thr`` is outside [0, 1], or the shapes do not
            fit together.
    """
    _check_arguments(losses, boxes, nms_iou_thr, labels)
    losses = losses.detach()
    losses = losses.to(torch.promote_types(losses.dtype, torch.float32))

    ranking = losses.argsort(descending=True, stable=True)
    ranking = ranking[losses[ranking].isfinite()]
    if nms_iou_thr is None:
        return ranking
    ranked_boxes = boxes.detach().float()[ranking]
    if labels is None:
        return ranking[_nms_ranked(ranked_boxes, nms_iou_thr)]
    return ranking[
        _nms_ranked_by_label(ranked_boxes, labels[ranking], nms_iou_thr)
    ]


def _nms_ranked(boxes: Tensor, iou_thr: float) -> Tensor:
    """Greedy NMS of boxes that are in ranking order already.

    Args:
        boxes: xyxy, float32, shape (R, 4), the first one ranked highest.
        iou_thr: A box goes when its IoU with a kept box is greater.

    Returns:
        Positions of the kept boxes, ascending, shape (K,), int64.
    """
    if boxes.numel() == 0:
        return boxes.new_empty(0, dtype=torch.long)
    # mmcv sorts by score, and not stably: ranks as scores leave no ties.
    # They are exact in float32 up to 16 million boxes.
    scores = torch.arange(len(boxes), 0, -1, device=boxes.device).float()
    _, kept = nms(boxes.contiguous(), scores, iou_threshold=iou_thr)
    return kept


def _nms_ranked_by_label(
    boxes: Tensor, labels: Tensor, iou_thr: float
) -> Tensor:
    """Same as :func:`_nms_ranked`, each label by itself.

    One call per label, where mmcv's ``batched_nms`` would shift the boxes of
    each label apart: the shift costs float32 digits that decide IoUs close to
    the threshold.
    """
    kept = [boxes.new_empty(0, dtype=torch.long)]
    for label in labels.unique():
        inds = (labels == label).nonzero().squeeze(1)
        kept.append(inds[_nms_ranked(boxes[inds], iou_thr)])
    return torch.cat(kept).sort().values


def _check_arguments(
    losses: Tensor,
    boxes: Tensor,
    nms_iou_thr: float | None,
    labels: Tensor | None,
) -> None:
    """Raise ValueError where the arguments do not fit together."""
    if nms_iou_thr is not None and not 0 <= nms_iou_thr <= 1:
        raise ValueError(
            f'nms_iou_thr must be None or in [0, 1], got {nms_iou_thr}'
        )
    num_rois = len(losses)
    if losses.shape != (num_rois,) or boxes.shape != (num_rois, 4):
        raise ValueError(
            'losses must have shape (R,) and boxes (R, 4), got '
            f'{tuple(losses.shape)} and {tuple(boxes.shape)}'
        )
    if labels is not None and labels.shape != (num_rois,):
        raise ValueError(
            f'labels must have shape ({num_rois},) as losses have, got '
            f'{tuple(labels.shape)}'
        )
