"""From mmdet's sampling result to what a rule knows, and back again.

Shapes: ``R`` RoIs of one image, the ``P`` foreground ones first in a
sampling result, but in the order of the proposals for a rule.
"""

from typing import Any

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor

from mmdet_ohem.host.predictions import probabilities, refined_boxes
from mmdet_ohem.host.sampling_result import proposal_order, take_rois
from mmdet_ohem.mining.decided_pass import Undecided
from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import (
    Choice,
    PredictedRoIs,
    RoIs,
    Rule,
    ScoredRoIs,
)


class ImageRoIs:
    """All RoIs of one image, for a rule to choose from.

    Args:
        candidates: All of them, with ``max_overlaps``, as
            :class:`~mmdet_ohem.host.samplers.GatheringSampler` gathers them.
    """

    def __init__(self, candidates: SamplingResult) -> None:
        self.candidates = candidates
        #: Row of ``candidates`` that each RoI is in, shape (R,).
        self.inds, self.order = proposal_order(candidates)
        self.num_pos = len(candidates.pos_inds)

    def known(self) -> RoIs:
        """What the assigner says of them."""
        return RoIs(**self._assigned())

    def scored(self, losses: RoILosses) -> ScoredRoIs:
        """With their losses.

        Args:
            losses: Of the rows of ``candidates``.

        Returns:
            RoIs in the order of the proposals.
        """
        return ScoredRoIs(**self._assigned(), losses=self._ordered(losses))

    def predicted(
        self,
        losses: RoILosses,
        cls_score: Any,
        bbox_pred: Any,
        bbox_head: Any,
        refine: bool = True,
    ) -> PredictedRoIs:
        """With their losses and predictions.

        Args:
            losses: Of the rows of ``candidates``.
            cls_score: Class scores, as the box head predicts them.
            bbox_pred: Box deltas, as the box head predicts them.
            bbox_head: The box head.
            refine: Whether to refine the boxes; else they stay.

        Returns:
            RoIs in the order of the proposals.

        Raises:
            TypeError: The box head predicts no box deltas.
        """
        scores = probabilities(bbox_head, cls_score)
        labels = scores[:, :-1].argmax(1)
        labels[: self.num_pos] = self.candidates.pos_gt_labels
        boxes = get_box_tensor(self.candidates.priors)
        if refine:
            boxes = refined_boxes(bbox_head, boxes, bbox_pred, labels)
        return PredictedRoIs(
            **self._assigned(),
            losses=self._ordered(losses),
            scores=scores[self.order],
            refined_boxes=boxes[self.order],
        )

    def rows(self, choice: Choice) -> tuple[Tensor, Tensor, Tensor | None]:
        """The chosen RoIs as rows of ``candidates``.

        Args:
            choice: Of a rule.

        Returns:
            Foreground rows and background rows, each in the order of the
            choice, and the weights of both in this order, or None.
        """
        rows, weights = self.order[choice.inds], choice.weights
        is_pos = rows < self.num_pos
        if weights is not None:
            weights = torch.cat([weights[is_pos], weights[~is_pos]])
        return rows[is_pos], rows[~is_pos], weights

    def take(self, choice: Choice) -> SamplingResult:
        """The sampling result of the chosen RoIs, without weights.

        Args:
            choice: Of a rule.

        Returns:
            Foreground and background, each in the order of the choice.
        """
        pos, neg, _ = self.rows(choice)
        return take_rois(self.candidates, pos, neg - self.num_pos)

    def _assigned(self) -> dict[str, Any]:
        """The fields of :class:`RoIs`."""
        found = self.candidates
        num_neg = len(found.neg_inds)
        boxes = get_box_tensor(found.priors).detach()
        pos_boxes = get_box_tensor(found.pos_gt_bboxes).to(boxes)
        overlaps = found.max_overlaps
        return dict(
            boxes=boxes[self.order],
            labels=_padded(found.pos_gt_labels, num_neg, -1)[self.order],
            gt_inds=_padded(found.pos_assigned_gt_inds, num_neg, -1)[
                self.order
            ],
            gt_boxes=_padded(pos_boxes, num_neg, 0)[self.order],
            max_overlaps=None if overlaps is None else overlaps[self.inds],
        )

    def _ordered(self, losses: RoILosses) -> RoILosses:
        return RoILosses(losses.cls[self.order], losses.loc[self.order])


def undecided_by(rule: Rule, num: int, image: ImageRoIs) -> Undecided:
    """What the choice of a rule depends on, of the rows of an image.

    Args:
        rule: Tells undecided RoIs.
        num: RoIs to choose.
        image: All RoIs.

    Returns:
        A function of losses and errors of the rows of ``candidates``.
    """

    def undecided(losses: RoILosses, errors: Tensor) -> Tensor:
        order = image.order
        found = torch.zeros_like(errors, dtype=torch.bool)
        found[order] = rule.undecided(image.scored(losses), num, errors[order])
        return found

    return undecided


def _padded(values: Tensor, num: int, fill: int) -> Tensor:
    """Values of foreground with ``num`` rows for background behind them."""
    return torch.cat([values, values.new_full((num, *values.shape[1:]), fill)])
