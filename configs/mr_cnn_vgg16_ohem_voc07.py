# OHEM in mr_cnn_vgg16_voc07.py; it changes what it changes in Fast R-CNN.
_base_ = './mr_cnn_vgg16_voc07.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
