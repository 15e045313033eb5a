# mmdet's Faster R-CNN on COCO with OHEM; it trains on 512 RoIs an image.
_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'

__import__('mmdet_ohem').use_ohem(_base_)
