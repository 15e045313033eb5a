"""Mining rules: which RoIs of an image are trained on, and how much.

A rule is a pure function of what is known of the RoIs; it knows no config
and no runner. docs/add_a_mining_rule.md shows how to add one.
"""

from mmdet_ohem.mining.rules.all_rois import all_rois
from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.focal_weighting import focal_weighting
from mmdet_ohem.mining.rules.hard_negatives import hard_negatives
from mmdet_ohem.mining.rules.isr import isr
from mmdet_ohem.mining.rules.ohem import ohem
from mmdet_ohem.mining.rules.random_rois import random_rois
from mmdet_ohem.mining.rules.rois import PredictedRoIs, RoIs, ScoredRoIs
from mmdet_ohem.mining.rules.rule import RULES, Rule, rule_keys, rule_names
from mmdet_ohem.mining.rules.s_ohem import s_ohem
from mmdet_ohem.mining.rules.stock_rules import (
    iou_balanced_negatives,
    score_hlr,
)

__all__ = [
    'RULES',
    'Choice',
    'PredictedRoIs',
    'RoIs',
    'Rule',
    'ScoredRoIs',
    'all_rois',
    'focal_weighting',
    'hard_negatives',
    'iou_balanced_negatives',
    'isr',
    'ohem',
    'random_rois',
    'rule_keys',
    'rule_names',
    's_ohem',
    'score_hlr',
]
