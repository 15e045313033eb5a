"""The loss of a detector over all RoIs of an image, without sampling.

Shapes: ``R`` RoIs of one image; ``L`` levels of features; ``S``, ``K``, ``C``
as in :mod:`~mmdet_ohem.figure3.loss_sums`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.figure3.loss_sums import no_sums, sum_by_kind
from mmdet_ohem.host.no_trace import leaving_no_trace
from mmdet_ohem.host.predictions import predicts_deltas
from mmdet_ohem.host.propose import propose
from mmdet_ohem.host.refusals import Purpose, check
from mmdet_ohem.host.roi_heads import stages_of
from mmdet_ohem.host.samplers import GatheringSampler
from mmdet_ohem.mining.image_rois import ImageRoIs
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead
from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import PredictedRoIs
from mmdet_ohem.mining.rules.rois import no_rois


@dataclass(frozen=True)
class _Image:
    """What the stages of a detector see of one image.

    Attributes:
        feats: L tensors of shape (1, C, H, W).
        boxes: Proposals, xyxy in pixels of the resized image, (R, 4).
        gt: Its ground truth.
        meta: Its meta information.
    """

    feats: list[Tensor]
    boxes: Tensor
    gt: InstanceData
    meta: dict


@dataclass(frozen=True)
class _Scored:
    """All RoIs of a stage, with losses and predictions; None of no RoI."""

    result: SamplingResult
    losses: RoILosses
    cls_score: Any = None
    bbox_pred: Any = None


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
            for image in self._images(batch):
                for i, scored in enumerate(self._by_stage(image)):
                    result = scored.result
                    # Foreground comes first in a sampling result.
                    order = torch.cat([result.pos_inds, result.neg_inds])
                    is_fg = torch.arange(
                        len(order), device=order.device
                    ) < len(result.pos_inds)
                    overlaps = result.max_overlaps[order]
                    sums[i] += sum_by_kind(scored.losses, is_fg, overlaps)
        return sums

    def predicted(self, batch: Mapping[str, Any]) -> PredictedRoIs:
        """All RoIs of an image, with what the last stage makes of them.

        Args:
            batch: As for a call, of one image.

        Returns:
            RoIs, losses, scores and refined boxes; a head that predicts no
            deltas of boxes leaves the RoIs as they are.
        """
        with leaving_no_trace(self.detector, self.device):
            (image,) = self._images(batch)
            *_, last = self._by_stage(image)
            if last.cls_score is None:
                return no_rois(PredictedRoIs)  # type: ignore[return-value]
            return ImageRoIs(last.result).predicted(
                last.losses,
                last.cls_score,
                last.bbox_pred,
                self.heads[-1].bbox_head,
                refine=predicts_deltas(
                    self.heads[-1].bbox_head, last.bbox_pred
                ),
            )

    def _images(self, batch: Mapping[str, Any]) -> list[_Image]:
        """Features, RoIs and ground truth of each image."""
        data = self.detector.data_preprocessor(batch, False)
        samples = data['data_samples']
        feats = self.detector.extract_feat(data['inputs'])
        proposals = propose(self.detector, feats, samples)
        gts, _, _ = unpack_gt_instances(samples)
        return [
            _Image(
                [level[i][None] for level in feats],
                proposals[i],
                gts[i],
                sample.metainfo,
            )
            for i, sample in enumerate(samples)
        ]

    def _by_stage(self, image: _Image) -> Iterator[_Scored]:
        """All RoIs of each stage, and their losses."""
        boxes = image.boxes
        for i, (stage, head) in enumerate(
            zip(self.stages, self.heads, strict=True)
        ):
            rois = InstanceData(priors=boxes)
            assigned = self.assigners[i].assign(rois, image.gt)
            result = self.sampler.gather(assigned, rois, image.gt)
            if not len(result.priors):
                yield _Scored(result, head.losses(image.feats, result))
                continue
            scored = _Scored(result, *head.score(image.feats, result))
            yield scored
            if i + 1 < len(self.heads):
                boxes = stage.refine(
                    result, scored.cls_score, scored.bbox_pred, image.meta
                )


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
