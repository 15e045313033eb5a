# mmdet's Faster R-CNN on COCO with OHEM; it trains on 512 RoIs an image.
_base_ = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmdet_ohem'])
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.OHEMSampler'))))
