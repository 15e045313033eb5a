"""OHEM by masking losses, the paper's first option (section 4.2)."""

from collections.abc import Mapping
from typing import Any

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import bbox2roi
from torch import Tensor

from mmdet_ohem.host.process_mean import average_over_processes
from mmdet_ohem.host.roi_heads import RoIStage
from mmdet_ohem.host.roi_weights import weigh
from mmdet_ohem.mining.all_roi_sampler import AllRoISampler
from mmdet_ohem.mining.image_rois import ImageRoIs
from mmdet_ohem.mining.non_finite_losses import NonFiniteLosses
from mmdet_ohem.mining.roi_loss import head_losses_per_roi
from mmdet_ohem.mining.rules import PredictedRoIs, RoIs, Rule, ScoredRoIs
from mmdet_ohem.mining.rules.rule import rule_keys
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
        rule: A mining rule, by name or as a dict of ``type`` and keys.
        **kwargs: Keys of the rule, such as ``nms_iou_thr``, and what mmdet's
            ``StandardRoIHead`` takes.

    Raises:
        TypeError: An unknown key; another sampler, which would choose before
            the rule does; or a mask head, which would see all RoIs.
    """

    def __init__(
        self, rule: str | Mapping[str, Any] = 'ohem', **kwargs: Any
    ) -> None:
        given = dict(type=rule) if isinstance(rule, str) else dict(rule)
        for key in rule_keys(given.get('type', '')):
            if key in kwargs:
                given[key] = kwargs.pop(key)
        super().__init__(**kwargs)
        self.rule = Rule(given)
        self.non_finite = NonFiniteLosses(type(self).__name__)
        if self.with_mask:
            raise TypeError(
                'LossMaskingRoIHead has no place for a mask head: it would '
                'be trained on all RoIs. Use mmdet_ohem.OHEMSampler'
            )
        sampler = self.bbox_sampler  # None without train_cfg
        if sampler is not None and not isinstance(sampler, AllRoISampler):
            raise TypeError(
                f'LossMaskingRoIHead has the sampler {type(sampler).__name__}'
                ', which chooses RoIs before the rule can. Remedy: '
                "train_cfg.rcnn.sampler.type = 'mmdet_ohem.AllRoISampler'"
            )

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
        cls_score, bbox_pred = RoIStage(self).predict(x, rois)
        results = dict(cls_score=cls_score, bbox_pred=bbox_pred)
        kept, rows = [], []
        start = 0
        for result in sampling_results:
            end = start + len(result.priors)
            image = ImageRoIs(result)
            part = slice(start, end)
            known = self._look_at(
                image, cls_score[part], bbox_pred[part], rois[part]
            )
            num = self.bbox_sampler.num
            choice = self.rule(known, num)
            if isinstance(known, ScoredRoIs):
                choice = self.non_finite.check(known, choice, num)
            pos, neg, weights = image.rows(choice)
            kept.append(image.take(choice))
            weigh(kept[-1], weights, choice.weigh_loc, self.bbox_head)
            average_over_processes(kept[-1], x, RoIStage(self))
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

    def _look_at(
        self,
        image: ImageRoIs,
        cls_score: Tensor,
        bbox_pred: Tensor,
        rois: Tensor,
    ) -> RoIs:
        """What the rule wants to know of the RoIs of one image."""
        if not issubclass(self.rule.rois, ScoredRoIs):
            return image.known()
        with torch.no_grad():
            cls_score, bbox_pred = cls_score.float(), bbox_pred.float()
            losses = head_losses_per_roi(
                self.bbox_head,
                cls_score,
                bbox_pred,
                rois,
                image.candidates,
                self.train_cfg,
            )
            if not issubclass(self.rule.rois, PredictedRoIs):
                return image.scored(losses)
            return image.predicted(
                losses, cls_score, bbox_pred, self.bbox_head
            )
