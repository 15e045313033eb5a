"""Section 4 of the paper: which RoIs are trained on.

Rules are pure functions (:mod:`mmdet_ohem.mining.rules`); :class:`RuleSampler`
runs any of them on a RoI head. :class:`OHEMSampler` is the paper's; what it is
compared with are :class:`HardNegativeSampler`, mining of background alone,
and :class:`LossMaskingRoIHead`, the paper's first option.
"""

from mmdet_ohem.mining.all_roi_sampler import AllRoISampler
from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.hard_negative_sampler import HardNegativeSampler
from mmdet_ohem.mining.loss_masking_roi_head import LossMaskingRoIHead
from mmdet_ohem.mining.mining_record import MiningRecord
from mmdet_ohem.mining.ohem_sampler import OHEMSampler
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead
from mmdet_ohem.mining.rule_sampler import RuleSampler
from mmdet_ohem.mining.rules import RULES, Choice, Rule
from mmdet_ohem.mining.use_ohem import use_ohem

__all__ = [
    'RULES',
    'AllRoISampler',
    'Choice',
    'HardNegativeSampler',
    'LossMaskingRoIHead',
    'MiningRecord',
    'OHEMSampler',
    'ReadOnlyBBoxHead',
    'Rule',
    'RuleSampler',
    'select_hard_examples',
    'use_ohem',
]
