# OHEM in sppnet_vgg16_voc0712.py; it changes what it changes in Fast R-CNN.
_base_ = './sppnet_vgg16_voc0712.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
