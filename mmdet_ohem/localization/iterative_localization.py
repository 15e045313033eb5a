"""Iterative localisation: boxes are relocated, then scored and moved again.

Section 6 of the paper, +B, after MR-CNN (arXiv:1505.01749, section 5). The
first round scores and relocates the proposals (R1); high-scoring boxes of R1
are scored and relocated once more, each as its own class (R2), and so on. All
rounds together are the candidates, R_F.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmcv.ops import nms
from mmdet.structures.bbox import scale_boxes
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.host.box_prediction import predict_raw
from mmdet_ohem.localization.candidates import (
    cat_candidates,
    from_raw_predictions,
    make_candidates,
    split_by_class,
)

# RoIs of an image in one forward pass of a later round, a bound on memory: as
# many as Fast R-CNN has proposals in the first round.
_ROIS_PER_PASS = 2000


@dataclass(frozen=True)
class Rounds:
    """How often boxes are relocated, and which of them again.

    Args:
        num_rounds: How many times; 1 is stock mmdet, 2 the paper.
        refine_score_thr: A box goes on to the next round only when its score
            is greater than this.
        refine_nms_iou_thr: A box does not go on when a better box of its
            class goes on whose IoU with it is greater than this. None turns
            this rule off.
        refine_max_per_class: At most this many boxes of a class and image go
            on, the best ones.
        kept_score: 'before': a box has the score of the RoI that it was
            relocated from, as in MR-CNN and stock mmdet. 'after': a box that
            is scored itself has its own score; one more forward pass, for the
            boxes of the last round.

    Raises:
        ValueError: A value is out of range.
    """

    num_rounds: int = 1
    refine_score_thr: float = 0.05
    refine_nms_iou_thr: float | None = 0.95
    refine_max_per_class: int = 200
    kept_score: str = 'before'

    def __post_init__(self) -> None:
        for name in ('num_rounds', 'refine_max_per_class'):
            if getattr(self, name) < 1:
                raise ValueError(
                    f'{name} must be at least 1, got {getattr(self, name)}'
                )
        iou_thr = self.refine_nms_iou_thr
        if iou_thr is not None and not 0 <= iou_thr <= 1:
            raise ValueError(
                f'refine_nms_iou_thr must be None or in [0, 1], got {iou_thr}'
            )
        if self.kept_score not in ('before', 'after'):
            raise ValueError(
                "kept_score must be 'before' or 'after', got "
                f'{self.kept_score!r}'
            )


def predict_candidates(
    roi_head: Any,
    feats: Sequence[Tensor],
    img_metas: list[dict],
    rpn_results_list: list[InstanceData],
    rescale: bool = False,
    rounds: Rounds | None = None,
) -> list[InstanceData]:
    """All candidates of each image, R_F.

    Args:
        roi_head: A ``StandardRoIHead``.
        feats: Features of the images, one tensor (N, C, H, W) a level.
        img_metas: Of each image.
        rpn_results_list: Proposals of each image, ``bboxes`` in its frame as
            resized.
        rescale: Whether to return boxes in the frame of the original image.
        rounds: The rounds; None is one, what stock mmdet puts into its NMS.

    Returns:
        Candidates of each image, round by round, see
        :mod:`mmdet_ohem.localization.candidates`.
    """
    rounds = rounds or Rounds()
    raws = predict_raw(roi_head, feats, img_metas, rpn_results_list)
    latest = [from_raw_predictions(raw) for raw in raws]
    results = [latest]
    # Where boxes are scored themselves, those of the last round are as well.
    num_passes = rounds.num_rounds - (rounds.kept_score == 'before')
    for _ in range(num_passes):
        chosen = [
            _high_scoring(candidates, img_meta['img_shape'], rounds)
            for candidates, img_meta in zip(latest, img_metas, strict=True)
        ]
        refined = _refine(
            roi_head,
            feats,
            img_metas,
            [c[inds] for c, inds in zip(latest, chosen, strict=True)],
        )
        if rounds.kept_score == 'after':
            for each, inds, new in zip(latest, chosen, refined, strict=True):
                each.scores[inds] = new.scores
        if len(results) < rounds.num_rounds:
            results.append(refined)
        latest = refined
    candidates = [cat_candidates(each) for each in zip(*results, strict=True)]
    return _rescale(candidates, img_metas) if rescale else candidates


def _high_scoring(
    candidates: InstanceData, img_shape: Sequence[int], rounds: Rounds
) -> Tensor:
    """Which candidates go on to the next round, shape (S,), int64."""
    boxes = _clip(candidates.bboxes, img_shape)
    scores, labels = candidates.scores, candidates.labels
    # A comparison with NaN is false; a box without area shows nothing.
    has_area = (boxes[:, 2:] > boxes[:, :2]).all(1)
    high = ((scores > rounds.refine_score_thr) & has_area).nonzero().squeeze(1)
    chosen = [high[:0]]
    for label in labels[high].unique():
        inds = high[labels[high] == label]
        if rounds.refine_nms_iou_thr is None:
            order = scores[inds].argsort(descending=True, stable=True)
        else:
            _, order = nms(
                boxes[inds], scores[inds], rounds.refine_nms_iou_thr
            )
        chosen.append(inds[order[: rounds.refine_max_per_class]])
    return torch.cat(chosen)


def _refine(
    roi_head: Any,
    feats: Sequence[Tensor],
    img_metas: list[dict],
    candidates: list[InstanceData],
) -> list[InstanceData]:
    """Score and relocate boxes of each image, each as its own class."""
    most = max(map(len, candidates))
    passes = [
        _refine_at_once(
            roi_head,
            feats,
            img_metas,
            [each[start : start + _ROIS_PER_PASS] for each in candidates],
        )
        for start in range(0, max(most, 1), _ROIS_PER_PASS)
    ]
    return [cat_candidates(each) for each in zip(*passes, strict=True)]


def _refine_at_once(
    roi_head: Any,
    feats: Sequence[Tensor],
    img_metas: list[dict],
    candidates: list[InstanceData],
) -> list[InstanceData]:
    """Same as :func:`_refine`, in one forward pass."""
    shapes = [img_meta['img_shape'] for img_meta in img_metas]
    rois = [
        InstanceData(bboxes=_clip(each.bboxes, shape))
        for each, shape in zip(candidates, shapes, strict=True)
    ]
    raws = predict_raw(roi_head, feats, img_metas, rois)
    refined = []
    for raw, each, shape in zip(raws, candidates, shapes, strict=True):
        boxes, scores = split_by_class(raw)
        own = torch.arange(len(each), device=scores.device), each.labels
        refined.append(
            make_candidates(_clip(boxes[own], shape), scores[own], each.labels)
        )
    return refined


def _clip(boxes: Tensor, img_shape: Sequence[int]) -> Tensor:
    """Clip to [0, W] and [0, H], as mmdet's box coders do."""
    height, width = img_shape[:2]
    limit = boxes.new_tensor([width, height, width, height])
    return boxes.clamp(min=0).minimum(limit)


def _rescale(
    candidates: list[InstanceData], img_metas: list[dict]
) -> list[InstanceData]:
    """From the frame of the resized image to that of the original one."""
    for each, img_meta in zip(candidates, img_metas, strict=True):
        factor = [1 / s for s in img_meta['scale_factor']]
        each.bboxes = scale_boxes(each.bboxes, factor)
    return candidates
