"""Section 3 of the paper: Fast R-CNN as it was in 2015, and its relatives.

SPPnet and MR-CNN share its two networks, one for an image and one for a
region.
"""

from mmdet_ohem.detector.fast_rcnn import FastRCNN
from mmdet_ohem.detector.foreground_neck import ForegroundNeck
from mmdet_ohem.detector.mr_cnn_bbox_head import MRCNNBBoxHead
from mmdet_ohem.detector.mr_cnn_roi_head import MRCNNRoIHead
from mmdet_ohem.detector.pyramid_pool import pyramid_pool
from mmdet_ohem.detector.region_extractor import RegionExtractor
from mmdet_ohem.detector.ring_pool import ring_pool
from mmdet_ohem.detector.roi_pool import RoIPool, roi_pool
from mmdet_ohem.detector.roi_pool_extractor import RoIPoolExtractor
from mmdet_ohem.detector.spp_bbox_head import SPPBBoxHead
from mmdet_ohem.detector.spp_extractor import SPPExtractor
from mmdet_ohem.detector.vgg16 import VGG16
from mmdet_ohem.detector.vgg_bbox_head import VGGBBoxHead
from mmdet_ohem.detector.vgg_m import VGGM

__all__ = [
    'VGG16',
    'VGGM',
    'FastRCNN',
    'ForegroundNeck',
    'MRCNNBBoxHead',
    'MRCNNRoIHead',
    'RegionExtractor',
    'RoIPool',
    'RoIPoolExtractor',
    'SPPBBoxHead',
    'SPPExtractor',
    'VGGBBoxHead',
    'pyramid_pool',
    'ring_pool',
    'roi_pool',
]
