# mmdet's Double Head on COCO with OHEM; both heads score the RoIs.
_base_ = 'mmdet::double_heads/dh-faster-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmdet_ohem'])
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.OHEMSampler'))))
