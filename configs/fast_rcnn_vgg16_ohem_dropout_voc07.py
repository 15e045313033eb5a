# OHEM that scores RoIs with dropout on, as the authors' released code does.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            sampler=dict(
                readonly_head=dict(
                    type='mmdet_ohem.ReadOnlyBBoxHead', dropout=True)))))
