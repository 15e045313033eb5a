# OHEM with NMS on the loss per label, as in the authors' released code.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(class_aware_nms=True))))
