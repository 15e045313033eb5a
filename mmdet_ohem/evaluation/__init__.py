"""The protocol of PASCAL VOC: its numbers, and files for its server."""

from mmdet_ohem.evaluation.devkit_voc_metric import DevkitVOCMetric
from mmdet_ohem.evaluation.voc_results import (
    read_voc_archive,
    write_voc_archive,
)
from mmdet_ohem.evaluation.voc_server_metric import VOCServerMetric

__all__ = [
    'DevkitVOCMetric',
    'VOCServerMetric',
    'read_voc_archive',
    'write_voc_archive',
]
