# Table 1, row 11: OHEM on N = 1 image, 69.7 mAP in the paper.
_base_ = './fast_rcnn_vgg16_n1_voc07.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=128))))
