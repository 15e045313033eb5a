"""Which RoIs have to be known exactly to select the hard examples.

Shapes: ``R`` RoIs of one image.
"""

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from mmdet_ohem.mining.hard_examples import rank_hard_examples


def undecided_hard_examples(
    losses: Tensor,
    errors: Tensor,
    boxes: Tensor,
    num: int,
    nms_iou_thr: float | None = 0.7,
    labels: Tensor | None = None,
) -> Tensor:
    """RoIs whose exact losses may change what is selected.

    What :func:`~mmdet_ohem.select_hard_examples` selects depends on the order
    of RoIs of which one removes the other, and on which of those that are
    left are among the ``num`` hardest. So a RoI is decided unless

    - its loss is within the errors of that of a RoI that it overlaps by more
      than ``nms_iou_thr``; or
    - its loss is within the errors of that of the easiest RoI selected.

    RoIs that are easier than that one, by more than the errors, do not count.
    Two errors add up as independent ones do.

    Args:
        losses: Loss of each RoI, shape (R,).
        errors: How much it may be wrong, shape (R,); 0: it is exact.
        boxes: As for :func:`~mmdet_ohem.select_hard_examples`, as the other
            arguments.
        num: How many RoIs to select at the most.
        nms_iou_thr: IoU above which a RoI is a duplicate.
        labels: Label of each RoI, or None.

    Returns:
        Shape (R,), bool; False where the error is 0.
    """
    is_finite = losses.isfinite()
    is_open, counts = ~is_finite, is_finite
    ranking = rank_hard_examples(losses, boxes, nms_iou_thr, labels)
    if len(ranking) and num > 0:
        easiest = ranking[:num][-1]
        both = torch.hypot(errors, errors[easiest])
        counts = is_finite & (losses >= losses[easiest] - both)
        if len(ranking) > num:
            is_open |= (losses - losses[easiest]).abs() <= both
    rows = counts.nonzero().squeeze(1)
    if nms_iou_thr is not None and len(rows) and num > 0:
        loss, error = losses[rows], errors[rows]
        near = (loss[:, None] - loss).abs() <= torch.hypot(
            error[:, None], error
        )
        overlaps = bbox_overlaps(boxes[rows].float(), boxes[rows].float())
        near &= overlaps > nms_iou_thr
        if labels is not None:
            near &= labels[rows, None] == labels[rows]
        near.fill_diagonal_(False)
        is_open[rows] |= near.any(1)
    return is_open & (errors > 0)
