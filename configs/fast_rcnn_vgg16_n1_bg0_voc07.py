# Table 1, row 6: N = 1 image and bg_lo = 0, 66.3 mAP in the paper.
_base_ = './fast_rcnn_vgg16_n1_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(assigner=dict(neg_iou_thr=0.5))))
