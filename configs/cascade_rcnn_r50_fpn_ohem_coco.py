# mmdet's Cascade R-CNN on COCO with OHEM in each of its stages.
_base_ = 'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'

__import__('mmdet_ohem').use_ohem(_base_)
