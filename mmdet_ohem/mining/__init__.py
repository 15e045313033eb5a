"""Section 4 of the paper: which RoIs are trained on.

And what it is compared with: :class:`LossMaskingRoIHead`, the paper's first
option, and :class:`HardNegativeSampler`, mining of background alone.
"""

from mmdet_ohem.host.sampling_result import take_rois
from mmdet_ohem.mining.all_roi_sampler import AllRoISampler
from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.hard_negative_sampler import HardNegativeSampler
from mmdet_ohem.mining.loss_masking_roi_head import LossMaskingRoIHead
from mmdet_ohem.mining.mining_record import MiningRecord
from mmdet_ohem.mining.ohem_sampler import OHEMSampler
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead

__all__ = [
    'AllRoISampler',
    'HardNegativeSampler',
    'LossMaskingRoIHead',
    'MiningRecord',
    'OHEMSampler',
    'ReadOnlyBBoxHead',
    'select_hard_examples',
    'take_rois',
]
