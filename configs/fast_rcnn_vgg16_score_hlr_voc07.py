# PISA's importance weights of background (Cao et al., CVPR 2020).
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.RuleSampler', rule='score_hlr'))))
