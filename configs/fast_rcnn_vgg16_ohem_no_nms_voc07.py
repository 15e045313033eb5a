# OHEM that does not leave out near-duplicates.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(sampler=dict(nms_iou_thr=None))))
