# OHEM, trained on VOC12 train, tested on VOC12 val, which needs no server.
_base_ = './fast_rcnn_vgg16_voc12_val.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
