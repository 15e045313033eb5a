# As fast_rcnn_vgg16_ohem_released_voc07.py with VGG_CNN_M_1024; 62.8 mAP by
# the authors' account.
_base_ = './fast_rcnn_vgg_m_ohem_voc07.py'

train_cfg = dict(max_iters=40000)
_base_.param_scheduler[0].milestones = [30000]
model = dict(
    train_cfg=dict(
        rcnn=dict(
            sampler=dict(
                class_aware_nms=True,
                readonly_head=dict(
                    type='mmdet_ohem.ReadOnlyBBoxHead', dropout=True)))))
