# Copy this file into your own folder and name the config of your detector in
# the first line; this one is mmdet's Faster R-CNN on VOC.
_base_ = 'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'

custom_imports = dict(imports=['mmdet_ohem'])
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.OHEMSampler'))))
# They log what is mined, and stop where the loss is not finite.
custom_hooks = [*_base_.get('custom_hooks', []),
                dict(type='mmdet_ohem.MiningStatsHook'),
                dict(type='mmdet_ohem.FiniteLossHook')]
