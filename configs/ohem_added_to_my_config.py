# For a folder of your own, beside the config of your detector, which is the
# first line; this one is mmdet's, of the detector on VOC07.
_base_ = 'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py'

custom_imports = dict(imports=['mmdet_ohem'])
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.OHEMSampler'))))
# What is mined, in the log and in TensorBoard: counts, shares, losses.
custom_hooks = [dict(type='mmdet_ohem.MiningStatsHook')]
