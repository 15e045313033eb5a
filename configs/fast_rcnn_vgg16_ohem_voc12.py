# Table 4: OHEM, trained on VOC12, 69.8 mAP in the paper.
_base_ = './fast_rcnn_vgg16_voc12.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
