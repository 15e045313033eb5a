# Libra R-CNN's background, spread evenly over IoU (Pang et al., CVPR 2019).
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(
    type='mmdet_ohem.RuleSampler', rule='iou_balanced_negatives'))))
