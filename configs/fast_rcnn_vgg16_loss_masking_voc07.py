# OHEM as the paper's first option, section 4.2: all RoIs run forward and
# backward, with the loss of the easy ones zero.
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(
    roi_head=dict(type='mmdet_ohem.LossMaskingRoIHead'),
    train_cfg=dict(rcnn=dict(sampler=dict(type='mmdet_ohem.AllRoISampler'))))
