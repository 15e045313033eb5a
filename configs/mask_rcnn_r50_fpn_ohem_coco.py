# mmdet's Mask R-CNN on COCO with OHEM; masks of the mined RoIs.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

__import__('mmdet_ohem').use_ohem(_base_)
