"""OHEM by masking losses, the paper's first option (section 4.2)."""

from typing import Any

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from torch import Tensor

from mmdet_ohem.host.sampling_result import proposal_order, take_rois
from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.roi_loss import head_losses_per_roi
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class LossMaskingRoIHead(StandardRoIHead):
    """Run all RoIs forward and backward, with the loss of the easy ones zero.

    Selects what :class:`~mmdet_ohem.OHEMSampler` selects and gives the same
    gradients (with dropout off; with it on, it ranks by the very losses it
    trains with), but allocates memory and computes gradients for all RoIs:
    that is why the paper has a read-only network instead. Set
    ``train_cfg.rcnn.sampler.type`` to ``mmdet_ohem.AllRoISampler``; its
    ``num`` is B / N, as for the other samplers.

    Args:
        nms_iou_thr: RoIs above this IoU are duplicates; None: no NMS.
        **kwargs: As for mmdet's ``StandardRoIHead``.

    Raises:
        TypeError: There is a mask head, which would see all RoIs.
    """

    def __init__(self, nms_iou_thr: float | None = 0.7, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.with_mask:
            raise TypeError(
                'LossMaskingRoIHead has no place for a mask head: it would '
                'be trained on all RoIs. Use mmdet_ohem.OHEMSampler'
            )
        self.nms_iou_thr = nms_iou_thr

    def bbox_loss(
        self, x: tuple[Tensor, ...], sampling_results: list[SamplingResult]
    ) -> dict:
        """Loss of the hard RoIs, of a pass over all of them.

        Args:
            x: Features of the N images.
            sampling_results: All RoIs of each image.

        Returns:
            Predictions for all RoIs, and ``loss_bbox``.
        """
        rois = bbox2roi([result.priors for result in sampling_results])
        results = self._bbox_forward(x, rois)
        cls_score, bbox_pred = results['cls_score'], results['bbox_pred']
        kept, rows = [], []
        start = 0
        for result in sampling_results:
            end = start + len(result.priors)
            hard = self._select(
                cls_score[start:end],
                bbox_pred[start:end],
                rois[start:end],
                result,
            )
            num_pos = len(result.pos_inds)
            pos, neg = hard[hard < num_pos], hard[hard >= num_pos]
            kept.append(take_rois(result, pos, neg - num_pos))
            rows.append(start + torch.cat([pos, neg]))
            start = end
        # Rows left out get a gradient of zero, as those of a masked loss.
        taken = torch.cat(rows)
        results.update(
            self.bbox_head.loss_and_target(
                cls_score[taken],
                bbox_pred[taken],
                rois[taken],
                kept,
                self.train_cfg,
            )
        )
        return results

    def _select(
        self,
        cls_score: Tensor,
        bbox_pred: Tensor,
        rois: Tensor,
        result: SamplingResult,
    ) -> Tensor:
        """Rows of the hard RoIs of one image, foreground first in ``rois``."""
        with torch.no_grad():
            losses = head_losses_per_roi(
                self.bbox_head,
                cls_score.float(),
                bbox_pred.float(),
                rois,
                result,
                self.train_cfg,
            )
        _, order = proposal_order(result)
        return order[
            select_hard_examples(
                losses.total[order],
                get_box_tensor(result.priors)[order],
                self.bbox_sampler.num,
                self.nms_iou_thr,
            )
        ]
