# mmdet's Mask R-CNN on COCO with OHEM; masks of the mined RoIs.
_base_ = 'mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmdet_ohem'])
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.OHEMSampler'))))
