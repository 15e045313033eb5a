"""What several rules choose to train on, of the same RoIs and weights.

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

from mmdet_ohem.host.roi_heads import stages_of, with_current_stage
from mmdet_ohem.mining import MiningRecord, OHEMSampler
from mmdet_ohem.mining.image_rois import ImageRoIs
from mmdet_ohem.mining.mining_record import record_of
from mmdet_ohem.mining.rules import PredictedRoIs, Rule, ScoredRoIs
from mmdet_ohem.watch.mining_stats import HEURISTIC_BG_LO

#: What is always shown, in this order; further rules follow.
PAPER, STOCK, HEURISTIC = 'OHEM', "mmdet's OHEMSampler", 'random heuristic'

# What mmdet's sampler is known to stumble over where a head's loss is not one
# number a RoI, such as sigmoid, focal and seesaw losses.
_STOCK_FAILURES = (RuntimeError, KeyError, IndexError, TypeError)


class SelectionRules:
    """Apply OHEM, mmdet's stock OHEM, the random heuristic and more.

    All choose ``num`` of the same RoIs, with the ``num`` and, where they have
    them, ``pos_fraction``, ``nms_iou_thr`` and so on of the config. The stock
    sampler and the heuristic keep the ratio of ``pos_fraction`` (0.25 where
    the config has none); the heuristic takes background of IoU 0.1 and more
    only (bg_lo), all others all of it. The losses are those that OHEM ranks
    by, for all of them.

    Args:
        roi_head: With its weights; of a cascade, the first stage is shown.
            Put it into evaluation mode before.
        seed: Of the random choices, which are then the same at every
            checkpoint.
        rules: Further mining rules, by name or as dicts of ``type`` and keys.

    Raises:
        KeyError: There is no such rule.
        TypeError: The RoIs are not assigned by IoU thresholds, or a rule has
            no such key.
    """

    def __init__(
        self,
        roi_head: Any,
        seed: int = 0,
        rules: Sequence[str | Mapping[str, Any]] = (),
    ) -> None:
        self.roi_head = roi_head
        self.stage = stages_of(roi_head)[0]
        train_cfg = self.stage.train_cfg
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
        with with_current_stage(roi_head, self.stage.index):
            self.paper = OHEMSampler(
                **common,
                **{key: own[key] for key in kept_keys if key in own},
                context=roi_head,
            )
            self.stock = StockOHEMSampler(
                **common, **fraction, context=roi_head
            )
        self.heuristic = RandomSampler(**common, **fraction)
        self.rules = [Rule(rule, fraction) for rule in rules]

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
            ``hard`` is the rule's choice by descending loss.
        """
        feats = list(feats)

        def assign(assigner: MaxIoUAssigner) -> tuple[AssignResult, Any]:
            rois = InstanceData(priors=boxes)
            return assigner.assign(rois, gt, ignored), rois

        image = ImageRoIs(self.paper.gather(*assign(self.assigner), gt))
        rois = self.paper.look_at(image, self._kind(), feats)
        assert isinstance(rois, ScoredRoIs)
        num = self.paper.num
        record = record_of(rois, self.paper.rule(rois, num))
        chosen: dict[str, MiningRecord | str] = {PAPER: record}
        try:
            with (
                torch.no_grad(),
                with_current_stage(self.roi_head, self.stage.index),
            ):
                stock = self.stock.sample(
                    *assign(self.assigner), gt, feats=feats
                )
            chosen[STOCK] = _choose(record, image, stock)
        except _STOCK_FAILURES as error:
            chosen[STOCK] = f'{type(error).__name__}: {error}'
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            drawn = self.heuristic.sample(*assign(self.heuristic_assigner), gt)
            chosen[HEURISTIC] = _choose(record, image, drawn)
            for rule in self.rules:
                torch.default_generator.manual_seed(self.seed)
                chosen[rule.label] = _by_loss(record_of(rois, rule(rois, num)))
        return {
            name: x if isinstance(x, str) else on_cpu(x)
            for name, x in chosen.items()
        }

    def _kind(self) -> type[ScoredRoIs]:
        """What the rules want to know, all of them together."""
        predicted = any(
            issubclass(rule.rois, PredictedRoIs) for rule in self.rules
        )
        return PredictedRoIs if predicted else ScoredRoIs


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
    record: MiningRecord, image: ImageRoIs, result: SamplingResult
) -> MiningRecord:
    """The record, had a sampler of mmdet chosen.

    Args:
        record: Of all RoIs that are candidates.
        image: These RoIs.
        result: The sampler's choice of candidates.
    """
    inds = torch.cat([result.pos_inds, result.neg_inds])
    rows = torch.searchsorted(image.inds, inds)
    everyone = record.losses.argsort(descending=True, stable=True)
    return _by_loss(replace(record, kept=everyone, hard=rows, weights=None))


def _by_loss(record: MiningRecord) -> MiningRecord:
    """The record with the chosen RoIs by descending loss."""
    order = record.losses[record.hard].argsort(descending=True, stable=True)
    weights = record.weights
    return replace(
        record,
        hard=record.hard[order],
        weights=None if weights is None else weights[order],
    )


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
