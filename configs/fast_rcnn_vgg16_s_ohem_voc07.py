# S-OHEM (Li et al., 2017): OHEM within strata, by the larger kind of loss.
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.RuleSampler', rule='s_ohem'))))
