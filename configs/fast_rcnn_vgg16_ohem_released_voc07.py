# OHEM as the authors released it: schedule, NMS per label, dropout on while
# scoring; 71.5 mAP by their account.
_base_ = './fast_rcnn_vgg16_ohem_40k_voc07.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            sampler=dict(
                class_aware_nms=True,
                readonly_head=dict(
                    type='mmdet_ohem.ReadOnlyBBoxHead', dropout=True)))))
