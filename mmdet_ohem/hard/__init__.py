"""Which images and RoIs are hard, and where the labels may be wrong."""

from mmdet_ohem.hard.page import make_page
from mmdet_ohem.hard.ranking import HardRanking, Ranking
from mmdet_ohem.hard.records import (
    FALSE_POSITIVE,
    MISSING,
    OTHER_CLASS,
    HardImage,
    HardRoI,
)
from mmdet_ohem.hard.results import LABEL_MISTAKES, refuse_other_results
from mmdet_ohem.hard.write import coco_of, images_csv, rois_csv

__all__ = [
    'FALSE_POSITIVE',
    'LABEL_MISTAKES',
    'MISSING',
    'OTHER_CLASS',
    'HardImage',
    'HardRanking',
    'HardRoI',
    'Ranking',
    'coco_of',
    'images_csv',
    'make_page',
    'refuse_other_results',
    'rois_csv',
]
