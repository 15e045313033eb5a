"""What three rules choose to train on, of the same RoIs and weights.

Shapes: ``R`` RoIs of one image, ground truth first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from mmdet.models.task_modules.assigners import AssignResult, MaxIoUAssigner
from mmdet.models.task_modules.samplers import OHEMSampler as StockOHEMSampler
from mmdet.models.task_modules.samplers import RandomSampler, SamplingResult
from mmdet.registry import TASK_UTILS
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.mining import MiningRecord, OHEMSampler
from mmdet_ohem.watch.mining_stats import HEURISTIC_BG_LO

#: The rules in the order in which they are shown.
PAPER, STOCK, HEURISTIC = 'OHEM', "mmdet's OHEMSampler", 'random heuristic'

# What mmdet's sampler is known to stumble over where a head's loss is not one
# number a RoI, such as sigmoid, focal and seesaw losses.
_STOCK_FAILURES = (RuntimeError, KeyError, IndexError, TypeError)


class SelectionRules:
    """Apply OHEM, mmdet's stock OHEM and the random heuristic to an image.

    All three choose ``num`` of the same RoIs, with the ``num`` and, where it
    has them, ``pos_fraction``, ``nms_iou_thr`` and so on of the config. The
    stock sampler and the heuristic keep the ratio of ``pos_fraction`` (0.25
    where the config has none); the heuristic takes background of IoU 0.1 and
    more only (bg_lo), the other two all of it. The losses are those that OHEM
    ranks by, for all three.

    Args:
        roi_head: With its weights; of a cascade, the first stage is shown.
            Put it into evaluation mode before.
        seed: Of the random choice, which is then the same at every
            checkpoint.

    Raises:
        TypeError: The RoIs are not assigned by IoU thresholds.
    """

    def __init__(self, roi_head: Any, seed: int = 0) -> None:
        train_cfg = roi_head.train_cfg
        if hasattr(roi_head, 'num_stages'):
            roi_head.current_stage = 0  # the samplers ask for it
            train_cfg = train_cfg[0]
        self.seed = seed
        self.assigner = _build_assigner(train_cfg.assigner, bg_lo=0.0)
        self.heuristic_assigner = _build_assigner(
            train_cfg.assigner, HEURISTIC_BG_LO
        )
        cfg = dict(train_cfg.sampler)
        common = dict(
            num=cfg['num'],
            add_gt_as_proposals=cfg.get('add_gt_as_proposals', True),
        )
        fraction = dict(pos_fraction=cfg.get('pos_fraction', 0.25))
        own = cfg if cfg['type'] == 'mmdet_ohem.OHEMSampler' else {}
        kept_keys = ('nms_iou_thr', 'class_aware_nms', 'readonly_head')
        self.paper = OHEMSampler(
            **common,
            **{key: own[key] for key in kept_keys if key in own},
            context=roi_head,
        )
        self.stock = StockOHEMSampler(**common, **fraction, context=roi_head)
        self.heuristic = RandomSampler(**common, **fraction)

    def __call__(
        self,
        feats: Sequence[Tensor],
        boxes: Tensor,
        gt: InstanceData,
        ignored: InstanceData | None = None,
    ) -> dict[str, MiningRecord | str]:
        """Choose RoIs of one image.

        Args:
            feats: Features of the image, tensors of shape (1, C, H, W).
            boxes: Proposals, xyxy in pixels of the resized image, (R, 4).
            gt: ``bboxes`` and ``labels``.
            ignored: Ground truth that is ignored.

        Returns:
            A record for each rule, on the CPU, or what it failed with.
            ``hard`` is the rule's choice by descending loss; ``kept`` is the
            same where a rule has no NMS.
        """
        feats = list(feats)

        def assign(assigner: MaxIoUAssigner) -> tuple[AssignResult, Any]:
            rois = InstanceData(priors=boxes)
            return assigner.assign(rois, gt, ignored), rois

        assigned, rois = assign(self.assigner)
        self.paper.sample(assigned, rois, gt, feats=feats)
        record = self.paper.last_record
        assert record is not None
        candidates = (assigned.gt_inds >= 0).nonzero().squeeze(1)
        chosen: dict[str, MiningRecord | str] = {PAPER: on_cpu(record)}
        try:
            with torch.no_grad():
                stock = self.stock.sample(
                    *assign(self.assigner), gt, feats=feats
                )
            chosen[STOCK] = on_cpu(_choose(record, candidates, stock))
        except _STOCK_FAILURES as error:
            chosen[STOCK] = f'{type(error).__name__}: {error}'
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            drawn = self.heuristic.sample(*assign(self.heuristic_assigner), gt)
        chosen[HEURISTIC] = on_cpu(_choose(record, candidates, drawn))
        return chosen


def on_cpu(record: MiningRecord) -> MiningRecord:
    """A copy of a record that holds no memory of the GPU.

    Args:
        record: On any device.

    Returns:
        The same on the CPU.
    """
    values: dict[str, Any] = {
        field.name: getattr(record, field.name) for field in fields(record)
    }
    return replace(
        record, **{k: v.cpu() for k, v in values.items() if v is not None}
    )


def _choose(
    record: MiningRecord, candidates: Tensor, result: SamplingResult
) -> MiningRecord:
    """The record, had another rule chosen.

    Args:
        record: Of all RoIs that are candidates.
        candidates: Their indices among all RoIs, ascending, shape (R,).
        result: The other rule's choice of candidates.
    """
    inds = torch.cat([result.pos_inds, result.neg_inds])
    rows = torch.searchsorted(candidates, inds)
    rows = rows[record.losses[rows].argsort(descending=True, stable=True)]
    return replace(record, kept=rows, hard=rows)


def _build_assigner(cfg: Mapping[str, Any], bg_lo: float) -> MaxIoUAssigner:
    """The config's assigner with another lower bound for background."""
    if 'neg_iou_thr' not in cfg:
        raise TypeError(
            f'{cfg.get("type")} assigns RoIs without neg_iou_thr: the rules '
            'differ in the background that they take, which needs '
            'MaxIoUAssigner or its kin'
        )
    bg_hi = cfg['neg_iou_thr']
    if isinstance(bg_hi, (list, tuple)):
        bg_hi = bg_hi[1]
    # float: mmdet passes over an integer in silence.
    thr = (bg_lo, float(bg_hi)) if bg_lo else float(bg_hi)
    return TASK_UTILS.build(dict(cfg, neg_iou_thr=thr))
