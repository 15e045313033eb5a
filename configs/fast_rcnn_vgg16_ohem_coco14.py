# Table 5: OHEM, trained on COCO 2014 train, AP 22.6 in the paper.
_base_ = './fast_rcnn_vgg16_coco14.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
