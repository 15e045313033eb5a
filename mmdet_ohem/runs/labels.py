"""What sets runs apart, in the words of the paper."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdet_ohem.counts import Count
from mmdet_ohem.mining.all_roi_sampler import takes_all
from mmdet_ohem.mining.rules import Rule
from mmdet_ohem.mining.rules.rule import rule_name


def label_runs(
    configs: Sequence[Config], folders: Sequence[Path]
) -> list[str]:
    """Name runs by how they sample, for a legend.

    Args:
        configs: Of the runs.
        folders: Of the runs; named where configs say the same.

    Returns:
        A label a run: how it samples, and what else the runs differ in, such
        as 'OHEM' and 'random, bg_lo = 0.1'. Where one is of a detector that
        does not sample, all are named by their folders.
    """
    base = os.path.commonpath([folder.parent for folder in folders])
    names = [os.path.relpath(folder, base) for folder in folders]
    if not all(_has_sampler(config.get('model') or {}) for config in configs):
        return names
    facts = [_facts(config) for config in configs]
    kinds = dict.fromkeys(name for fact in facts for name in fact)
    telling = [
        name
        for name in kinds
        if name == 'sampling' or len({fact.get(name) for fact in facts}) > 1
    ]
    labels = [
        ', '.join(fact[name] for name in telling if name in fact)
        for fact in facts
    ]
    return [
        f'{label} ({name})' if labels.count(label) > 1 else label
        for label, name in zip(labels, names, strict=True)
    ]


def _has_sampler(model: dict) -> bool:
    """Whether each stage of a detector samples RoIs."""
    rcnn = (model.get('train_cfg') or {}).get('rcnn')
    stages = rcnn if isinstance(rcnn, (list, tuple)) else [rcnn]
    return all(
        stage and stage.get('sampler') and stage.get('assigner')
        for stage in stages
    )


def _facts(config: Config) -> dict[str, str]:
    """What a run is known by, in the order of naming it."""
    model = config.model
    rcnn = model.train_cfg.rcnn
    # A cascade is known by its first stage.
    first = rcnn[0] if isinstance(rcnn, (list, tuple)) else rcnn
    facts = {
        'detector': _detector(model),
        'backbone': _plain(model.get('backbone', {}).get('type', '')),
        'sampling': _sampling(first.sampler),
        'bg_lo': f'bg_lo = {_bg_lo(first.assigner):g}',
    }
    if 'num' in first.sampler and not takes_all(first.sampler):
        facts['rois'] = f'B/N = {first.sampler.num}'
    batch_size = config.get('train_dataloader', {}).get('batch_size')
    if batch_size:
        facts['images'] = f'N = {batch_size}'
    return facts


def _detector(model: Any) -> str:
    """Its class, or the name of a relative, which the box head tells."""
    roi_head = model.get('roi_head') or {}
    bbox_head = roi_head.get('bbox_head') or {}
    # Of a cascade it is a list.
    head = bbox_head.get('type') if isinstance(bbox_head, dict) else None
    if head == 'mmdet_ohem.SPPBBoxHead':
        return 'SPPnet'
    if head == 'mmdet_ohem.MRCNNBBoxHead':
        regions = roi_head.get('regions')
        return f'MR-CNN, {Count(len(regions)):region}' if regions else 'MR-CNN'
    return _plain(model.type)


def _sampling(sampler: Any) -> str:
    kind = str(sampler.type)
    if kind == 'mmdet_ohem.RuleSampler':
        rule = sampler.get('rule', 'ohem')
        try:
            return Rule(rule).label
        except KeyError:
            # A rule of the user's; reading a run imports no module of theirs.
            return rule_name(rule).replace('_', ' ')
    known = {
        'mmdet_ohem.OHEMSampler': 'OHEM',
        'mmdet_ohem.HardNegativeSampler': 'hard negatives',
        'mmdet_ohem.AllRoISampler': 'all RoIs',
        'OHEMSampler': "mmdet's OHEM",
        'mmdet.OHEMSampler': "mmdet's OHEM",
        'RandomSampler': 'random',
    }
    return known.get(kind, _plain(kind))


def _plain(kind: Any) -> str:
    """Name of a class without its scope."""
    return str(kind).rpartition('.')[2]


def _bg_lo(assigner: Any) -> float:
    """Lowest IoU of the background that is sampled."""
    neg = assigner.get('neg_iou_thr')
    return neg[0] if isinstance(neg, (list, tuple)) else 0.0
