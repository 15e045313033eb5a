"""mmdet's own samplers, run on what a mining rule knows.

Relies on mmdet 3.3.0: that ``IoUBalancedNegSampler`` reads ``gt_inds`` and
``max_overlaps`` of an ``AssignResult``, and that ``ScoreHLRSampler`` asks its
context for ``_bbox_forward`` over the background RoIs, in the order of
``gt_inds == 0``, and its box head for ``loss``, ``num_classes`` and
``bbox_coder.decode``.
"""

from typing import TYPE_CHECKING, Any

import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import BaseSampler
from mmengine.structures import InstanceData
from torch import Tensor

if TYPE_CHECKING:
    from mmdet_ohem.mining.rules.rois import PredictedRoIs, RoIs


def run_stock_sampler(
    sampler: BaseSampler, rois: 'RoIs', **kwargs: Any
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Let a sampler of mmdet choose among RoIs.

    Args:
        sampler: With ``add_gt_as_proposals=False``: ground truth is among the
            RoIs already.
        rois: Of one image.
        kwargs: Passed on to ``sampler.sample``.

    Returns:
        Indices of foreground and of background RoIs, and the weights of the
        background where the sampler gives some.
    """
    num_gts = int(rois.gt_inds.max()) + 1 if len(rois) else 0
    # Zero is mmdet's background here, objects count from one.
    assigned = AssignResult(
        num_gts, rois.gt_inds + 1, rois.max_overlaps, rois.labels
    )
    # Only their number counts: which box is whose does not change a choice.
    objects = InstanceData(
        bboxes=rois.boxes.new_zeros(num_gts, 4),
        labels=rois.labels.new_zeros(num_gts),
    )
    found = sampler.sample(
        assigned, InstanceData(priors=rois.boxes), objects, **kwargs
    )
    result, weights = found if isinstance(found, tuple) else (found, None)
    return result.pos_inds, result.neg_inds, weights


class KnownPredictions:
    """Stands in for the RoI head that ``ScoreHLRSampler`` would run.

    It answers with predictions and losses that are known already.

    Args:
        rois: All RoIs of an image.
    """

    bbox_roi_extractor = None
    with_shared_head = False

    def __init__(self, rois: 'PredictedRoIs') -> None:
        background = (~rois.is_fg).nonzero().squeeze(1)
        scores = rois.scores[background]
        num_classes = scores.shape[1] - 1
        # The softmax of logarithms of probabilities gives them back.
        self._cls_score = scores.clamp(min=1e-30).log()
        # One box for all classes: it is that of the best one.
        self._boxes = rois.refined_boxes[background].repeat(1, num_classes)
        self.bbox_head = _KnownLosses(rois.losses.cls[background], num_classes)

    def _bbox_forward(self, feats: object, rois: Tensor) -> dict[str, Tensor]:
        """Predictions of the background RoIs."""
        return dict(cls_score=self._cls_score, bbox_pred=self._boxes)


class _KnownLosses:
    """Stands in for a box head whose losses are known."""

    def __init__(self, losses: Tensor, num_classes: int) -> None:
        self.num_classes = num_classes
        self.bbox_coder = self
        self._losses = losses

    def loss(self, **kwargs: Any) -> dict[str, Tensor]:
        """Classification losses of the background RoIs."""
        return dict(loss_cls=self._losses)

    def decode(self, boxes: Tensor, pred: Tensor) -> Tensor:
        """The refined boxes themselves: nothing is encoded."""
        return torch.as_tensor(pred)
