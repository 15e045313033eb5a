"""Section 3 of the paper: Fast R-CNN as it was in 2015."""

from mmdet_ohem.detector.fast_rcnn import FastRCNN
from mmdet_ohem.detector.roi_pool import RoIPool, roi_pool
from mmdet_ohem.detector.roi_pool_extractor import RoIPoolExtractor
from mmdet_ohem.detector.vgg16 import VGG16
from mmdet_ohem.detector.vgg_bbox_head import VGGBBoxHead
from mmdet_ohem.detector.vgg_m import VGGM

__all__ = [
    'VGG16',
    'VGGM',
    'FastRCNN',
    'RoIPool',
    'RoIPoolExtractor',
    'VGGBBoxHead',
    'roi_pool',
]
