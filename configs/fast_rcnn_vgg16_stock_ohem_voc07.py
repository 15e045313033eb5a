# mmdet's own OHEMSampler: classification loss alone, a fixed ratio, no NMS.
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet.OHEMSampler'))))
