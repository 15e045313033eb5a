"""Candidates: what a RoI head says of an image before any NMS.

Candidates are an ``InstanceData`` with

- ``bboxes``: a box for each RoI and class, xyxy, shape (M, 4), float32;
- ``scores``: the score of that class, shape (M,), float32;
- ``labels``: the class, background left out, shape (M,), int64.

No score is too low to be a candidate: in MR-CNN's code as well, boxes below
the threshold of the detections still vote. They take 28 bytes each, 1 MB for
2000 RoIs and 20 classes.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.ops import batched_nms
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.localization.box_voting import box_voting_by_group


def make_candidates(
    boxes: Tensor, scores: Tensor, labels: Tensor
) -> InstanceData:
    """Put tensors together as candidates.

    Args:
        boxes: xyxy, shape (M, 4).
        scores: Shape (M,).
        labels: Shape (M,).

    Returns:
        Candidates, float32 and int64.
    """
    candidates = InstanceData()
    candidates.bboxes = boxes.float()
    candidates.scores = scores.float()
    candidates.labels = labels.long()
    return candidates


def cat_candidates(candidates: Sequence[InstanceData]) -> InstanceData:
    """Join candidates of one image, as of several rounds or views.

    Args:
        candidates: At least one; boxes all in the same frame.

    Returns:
        All of them, in order.
    """
    return make_candidates(
        torch.cat([each.bboxes for each in candidates]),
        torch.cat([each.scores for each in candidates]),
        torch.cat([each.labels for each in candidates]),
    )


def final_detections(
    candidates: InstanceData,
    score_thr: float,
    nms: dict | None,
    max_per_img: int,
    voting_iou_thr: float | None = None,
    vote_score_offset: float = 0.0,
) -> InstanceData:
    """Detections of one image: NMS within each class, then box voting.

    Without voting, the same as mmdet's ``multiclass_nms``. A survivor keeps
    its score and gets a new box; there is no NMS after the vote.

    Args:
        candidates: All candidates of the image.
        score_thr: Only candidates with a greater score can be detections; the
            others still vote.
        nms: mmcv's ``nms_cfg``, such as ``dict(type='nms',
            iou_threshold=0.3)``; None for no NMS.
        max_per_img: How many detections of all classes to keep at the most;
            0 or less keeps all.
        voting_iou_thr: IoU from which on candidates of its class vote on the
            box of a survivor; None for no vote.
        vote_score_offset: Added to a score to make the weight of a vote,
            which is never below 0. MR-CNN adds 1.5 to its SVM margins; a
            softmax score needs nothing.

    Returns:
        ``bboxes`` (K, 4), ``scores`` (K,), ``labels`` (K,), by descending
        score.
    """
    kept, scores = _nms_by_class(candidates, score_thr, nms)
    if max_per_img > 0:
        kept, scores = kept[:max_per_img], scores[:max_per_img]
    boxes, labels = candidates.bboxes[kept], candidates.labels[kept]
    if voting_iou_thr is not None:
        boxes = box_voting_by_group(
            boxes,
            labels,
            candidates.bboxes,
            candidates.scores + vote_score_offset,
            candidates.labels,
            voting_iou_thr,
        )
    return make_candidates(boxes, scores, labels)


def _nms_by_class(
    candidates: InstanceData, score_thr: float, nms: dict | None
) -> tuple[Tensor, Tensor]:
    """Indices and scores of the survivors, by descending score.

    Scores differ from the candidates' own only where the NMS changes them, as
    soft NMS does.
    """
    boxes, scores = candidates.bboxes, candidates.scores
    valid = (scores > score_thr) & boxes.isfinite().all(1)
    inds = valid.nonzero().squeeze(1)
    if len(inds) == 0:
        return inds, scores[inds]
    boxes = boxes[inds]
    # mmcv sets classes apart by adding a multiple of the largest coordinate,
    # which only does for coordinates that are not negative.
    boxes = boxes - boxes.min().clamp(max=0)
    dets, kept = batched_nms(boxes, scores[inds], candidates.labels[inds], nms)
    return inds[kept], dets[:, -1]


def from_raw_predictions(raw: Any) -> InstanceData:
    """Candidates from what a box head predicts without ``rcnn_test_cfg``.

    Args:
        raw: ``bboxes``, (R, C * 4) or, for a class-agnostic head, (R, 4);
            ``scores``, (R, C + 1), background last.

    Returns:
        R * C candidates, RoI by RoI, so that ties fall as in stock mmdet.
    """
    boxes, scores = split_by_class(raw)
    num_classes = scores.shape[1]
    labels = torch.arange(num_classes, device=scores.device)
    return make_candidates(
        boxes.reshape(-1, 4),
        scores.reshape(-1),
        labels.expand(len(scores), num_classes).reshape(-1),
    )


def split_by_class(raw: Any) -> tuple[Tensor, Tensor]:
    """Boxes and scores of each RoI and class, from raw predictions.

    Args:
        raw: As in :func:`from_raw_predictions`.

    Returns:
        Boxes, shape (R, C, 4), and scores without background, shape (R, C).
    """
    scores = raw.scores[:, :-1]
    num_rois, num_classes = scores.shape
    # A class-agnostic head and a RoI head without RoIs give a box a RoI.
    boxes = raw.bboxes.reshape(num_rois, -1 if num_rois else 1, 4)
    return boxes.expand(num_rois, num_classes, 4), scores
