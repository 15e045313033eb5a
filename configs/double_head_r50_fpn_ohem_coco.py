# mmdet's Double Head on COCO with OHEM; both heads score the RoIs.
_base_ = 'mmdet::double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py'

__import__('mmdet_ohem').use_ohem(_base_)
