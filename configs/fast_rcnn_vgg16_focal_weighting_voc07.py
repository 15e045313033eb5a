# Random RoIs with the weights of a focal loss (Lin et al., ICCV 2017).
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.RuleSampler', rule='focal_weighting'))))
