# mmdet's Cascade R-CNN on COCO with OHEM in each of its stages.
_base_ = 'mmdet::cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco.py'

custom_imports = dict(imports=['mmdet_ohem'])
# Samplers are in a list, which cannot be inherited in part.
for stage in _base_.model.train_cfg.rcnn:
    stage.sampler.type = 'mmdet_ohem.OHEMSampler'
del stage
