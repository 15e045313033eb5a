"""The loss of a detector over all RoIs of an image, without sampling.

Shapes: ``R`` RoIs of one image; ``L`` levels of features; ``S``, ``K``, ``C``
as in :mod:`~mmdet_ohem.figure3.loss_sums`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import TASK_UTILS
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.figure3.loss_sums import no_sums, sum_by_kind
from mmdet_ohem.host.no_trace import leaving_no_trace
from mmdet_ohem.host.propose import propose
from mmdet_ohem.host.refusals import Purpose, check
from mmdet_ohem.host.roi_heads import RoIStage, stages_of
from mmdet_ohem.host.samplers import GatheringSampler
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead


class AllRoILoss:
    """What Figure 3 of the paper averages: the loss of every RoI.

    The detector is left as it was found. What the paper does not say is
    decided so:

    - evaluation mode: no dropout, running statistics of BatchNorm;
    - the RoIs are those of training: the dataset's proposals, or the RPN's by
      ``train_cfg.rpn_proposal``, and the ground truth;
    - every RoI is foreground, by the ``pos_iou_thr`` of the run's assigner,
      or background: bg_lo is 0 even if the run trains with another, and no
      RoI is ignored, so that runs that differ in it can be compared;
    - a RoI's loss is the one that OHEM ranks by, see
      :class:`~mmdet_ohem.ReadOnlyBBoxHead`, a cascade's not weighted by
      ``stage_loss_weights``;
    - in a cascade all RoIs, not a sample, go on to the next stage, refined
      as in training: foreground by the box of its class, background by that
      of its best class; ground truth is put in at each stage.

    Args:
        detector: A two-stage detector of mmdet, built with its ``train_cfg``.
        chunk_size: As for the read-only head.
        dtype: As for the read-only head; float32 is exact.

    Raises:
        TypeError: It is another kind of detector.
    """

    def __init__(
        self,
        detector: Any,
        chunk_size: int | None = 2048,
        dtype: str = 'float32',
    ) -> None:
        check(detector, Purpose.LOSS_OF_ALL_ROIS)
        self.detector = detector
        self.stages = stages_of(detector.roi_head)
        self.heads = [
            ReadOnlyBBoxHead(stage.roi_head, stage.index, chunk_size, dtype)
            for stage in self.stages
        ]
        self.assigners = [
            _assign_every_roi(stage.train_cfg.assigner)
            for stage in self.stages
        ]
        self.sampler = GatheringSampler()

    @property
    def num_stages(self) -> int:
        """S."""
        return len(self.stages)

    @property
    def device(self) -> torch.device:
        """Where the detector is."""
        return next(self.detector.parameters()).device

    def __call__(self, batch: Mapping[str, Any]) -> Tensor:
        """Losses of all RoIs of some images.

        Args:
            batch: ``inputs`` and ``data_samples``, as a data loader gives
                them. Images of unlike size are padded, which changes their
                features a little: one image is exact.

        Returns:
            Sums over the RoIs, shape (S, K, C), float64, on the CPU.

        Raises:
            ValueError: The images come without the proposals they need.
        """
        sums = no_sums(self.num_stages)
        with leaving_no_trace(self.detector, self.device):
            data = self.detector.data_preprocessor(batch, False)
            samples = data['data_samples']
            feats = self.detector.extract_feat(data['inputs'])
            proposals = propose(self.detector, feats, samples)
            gts, _, _ = unpack_gt_instances(samples)
            for i, sample in enumerate(samples):
                sums += self._of_image(
                    [level[i][None] for level in feats],
                    proposals[i],
                    gts[i],
                    sample.metainfo,
                )
        return sums

    def _of_image(
        self,
        feats: list[Tensor],
        boxes: Tensor,
        gt: InstanceData,
        img_meta: dict,
    ) -> Tensor:
        """Sums over the RoIs of one image, shape (S, K, C)."""
        sums = no_sums(self.num_stages)
        for i, (stage, head) in enumerate(
            zip(self.stages, self.heads, strict=True)
        ):
            rois = InstanceData(priors=boxes)
            assigned = self.assigners[i].assign(rois, gt)
            result = self.sampler.sample(assigned, rois, gt)
            losses = head.losses(feats, result)
            # Foreground comes first in a sampling result.
            order = torch.cat([result.pos_inds, result.neg_inds])
            is_fg = torch.arange(len(order), device=order.device) < len(
                result.pos_inds
            )
            sums[i] = sum_by_kind(losses, is_fg, assigned.max_overlaps[order])
            if len(order) and i + 1 < len(self.heads):
                boxes = _refine(stage, head, feats, result, img_meta)
        return sums


def _refine(
    stage: RoIStage,
    head: ReadOnlyBBoxHead,
    feats: list[Tensor],
    result: SamplingResult,
    img_meta: dict,
) -> Tensor:
    """RoIs of the next stage without ground truth, shape (r, 4)."""
    cls_score, bbox_pred = head.predict(feats, bbox2roi([result.priors]))
    return stage.refine(result, cls_score, bbox_pred, img_meta)


def _assign_every_roi(cfg: Mapping[str, Any]) -> MaxIoUAssigner:
    """The assigner of a config, made to ignore no RoI."""
    if 'pos_iou_thr' not in cfg:
        raise TypeError(
            f'{cfg.get("type")} assigns RoIs without an IoU threshold '
            '(pos_iou_thr): foreground and background of the loss over all '
            'RoIs are told apart by MaxIoUAssigner or its kin'
        )
    return TASK_UTILS.build(
        dict(
            cfg,
            # float: mmdet passes over an integer in silence.
            neg_iou_thr=float(cfg['pos_iou_thr']),
            ignore_iof_thr=-1,
        )
    )
