# Table 1, row 3: without the heuristic for hard background, 57.2 mAP in the
# paper.
_base_ = './fast_rcnn_vgg_m_voc07.py'

model = dict(train_cfg=dict(rcnn=dict(assigner=dict(neg_iou_thr=0.5))))
