"""Box voting: a detection is averaged with its neighbours (section 6, +B).

Shapes: ``K`` boxes to be voted on, ``M`` candidates that vote. Boxes are xyxy
in any one unit, without +1.
"""

import torch
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

# Pairs of a box and a candidate that are held at a time; each takes about 100
# bytes at the peak.
_PAIRS_AT_A_TIME = 2**20


def box_voting(
    boxes: Tensor,
    candidate_boxes: Tensor,
    candidate_scores: Tensor,
    iou_thr: float = 0.5,
) -> Tensor:
    """Move boxes of one class to the mean of the candidates around them.

    Each box becomes the mean, weighted by score, of the candidates whose IoU
    with it is at least ``iou_thr`` (MR-CNN, arXiv:1505.01749, section 5).

    A box stays as it is when it has no neighbour, as a box without area, or
    only neighbours without weight. Candidates with a negative score or with
    anything that is not finite have no weight.

    Args:
        boxes: Boxes that survived NMS, shape (K, 4). Each is usually one of
            the candidates and votes for itself.
        candidate_boxes: Shape (M, 4).
        candidate_scores: Weight of each candidate, shape (M,).
        iou_thr: IoU from which on a candidate is a neighbour, in [0, 1].

    Returns:
        Voted boxes, shape (K, 4); float32, also inside autocast and for half
        precision, or float64 where boxes are.

    Raises:
        ValueError: ``iou_thr`` is outside [0, 1], or the shapes do not fit
            together.
    """
    return box_voting_by_group(
        boxes,
        torch.zeros(len(boxes), dtype=torch.long, device=boxes.device),
        candidate_boxes,
        candidate_scores,
        torch.zeros(
            len(candidate_boxes), dtype=torch.long, device=boxes.device
        ),
        iou_thr,
    )


def box_voting_by_group(
    boxes: Tensor,
    groups: Tensor,
    candidate_boxes: Tensor,
    candidate_scores: Tensor,
    candidate_groups: Tensor,
    iou_thr: float = 0.5,
) -> Tensor:
    """Vote within groups: classes, images, or classes of images.

    Same as :func:`box_voting` of each group by itself. Only boxes and
    candidates of one group are ever compared, a bounded number of pairs at a
    time, so that memory does not grow with classes or images.

    Args:
        boxes: Shape (K, 4).
        groups: Group of each box, such as its label, or ``image * num_classes
            + label``; any integers, shape (K,), int64.
        candidate_boxes: Shape (M, 4).
        candidate_scores: Shape (M,).
        candidate_groups: Shape (M,), int64.
        iou_thr: IoU from which on a candidate is a neighbour, in [0, 1].

    Returns:
        Voted boxes in the order of ``boxes``, shape (K, 4), dtype as in
        :func:`box_voting`.

    Raises:
        ValueError: ``iou_thr`` is outside [0, 1], or the shapes do not fit
            together.
    """
    _check_arguments(
        boxes,
        groups,
        candidate_boxes,
        candidate_scores,
        candidate_groups,
        iou_thr,
    )
    dtype = torch.promote_types(boxes.dtype, torch.float32)
    with torch.autocast(boxes.device.type, enabled=False):
        boxes = boxes.to(dtype)
        voters, weights = candidate_boxes.to(dtype), candidate_scores.to(dtype)
        # Weight 0 would not take an infinite coordinate out of a sum.
        votes = weights.isfinite() & voters.isfinite().all(1) & (weights > 0)
        voters, weights = voters[votes], weights[votes]
        voter_groups = candidate_groups[votes]

        voted = boxes.clone()
        for group in groups.unique().tolist():
            inds = (groups == group).nonzero().squeeze(1)
            members = voter_groups == group
            voted[inds] = _vote(
                boxes[inds], voters[members], weights[members], iou_thr
            )
    return voted


def _vote(
    boxes: Tensor, voters: Tensor, weights: Tensor, iou_thr: float
) -> Tensor:
    """Vote on boxes of one group, a chunk of them at a time."""
    if len(boxes) == 0 or len(voters) == 0:
        return boxes
    chunk_size = max(1, _PAIRS_AT_A_TIME // len(voters))
    return torch.cat(
        [
            _weighted_mean(chunk, voters, weights, iou_thr)
            for chunk in boxes.split(chunk_size)
        ]
    )


def _weighted_mean(
    boxes: Tensor, voters: Tensor, weights: Tensor, iou_thr: float
) -> Tensor:
    """Weighted mean of the neighbours of each box, shape (k, 4)."""
    # The floor of the union must not reach into areas that occur, or tiny
    # boxes would have no neighbours.
    tiny = torch.finfo(boxes.dtype).tiny
    ious = bbox_overlaps(boxes, voters, eps=tiny)
    shares = torch.where(ious >= iou_thr, weights, 0)  # (k, M)
    total = shares.sum(1, keepdim=True)
    shares = shares / total.clamp(min=tiny)
    # The mean of the offsets: a box that votes alone stays to the last bit.
    # Not a matrix product, which may run in fewer bits (TF32).
    offsets = voters - boxes[:, None]  # (k, M, 4)
    means = boxes + (shares[..., None] * offsets).sum(1)
    return torch.where(total > 0, means, boxes)


def _check_arguments(
    boxes: Tensor,
    groups: Tensor,
    candidate_boxes: Tensor,
    candidate_scores: Tensor,
    candidate_groups: Tensor,
    iou_thr: float,
) -> None:
    """Raise ValueError where the arguments do not fit together."""
    if not 0 <= iou_thr <= 1:
        raise ValueError(f'iou_thr must be in [0, 1], got {iou_thr}')
    num_boxes, num_candidates = len(boxes), len(candidate_boxes)
    expected = {
        'boxes': (boxes, (num_boxes, 4)),
        'groups': (groups, (num_boxes,)),
        'candidate_boxes': (candidate_boxes, (num_candidates, 4)),
        'candidate_scores': (candidate_scores, (num_candidates,)),
        'candidate_groups': (candidate_groups, (num_candidates,)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor.shape != shape:
            raise ValueError(
                f'{name} must have shape {shape}, got {tuple(tensor.shape)}'
            )
