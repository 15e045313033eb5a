"""Section 4 of the paper: which RoIs are trained on."""

from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.ohem_sampler import OHEMSampler, take_rois
from mmdet_ohem.mining.readonly_bbox_head import ReadOnlyBBoxHead

__all__ = [
    'OHEMSampler',
    'ReadOnlyBBoxHead',
    'select_hard_examples',
    'take_rois',
]
