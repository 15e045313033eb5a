# OHEM, trained on COCO 2014 trainval.
_base_ = './fast_rcnn_vgg16_coco14_trainval.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
