# As fast_rcnn_vgg16_ohem_released_voc07.py, trained on 07+12 for 80k
# iterations; 75.5 mAP by the authors' account.
_base_ = './fast_rcnn_vgg16_ohem_voc0712.py'

train_cfg = dict(max_iters=80000)
_base_.param_scheduler[0].milestones = [30000, 60000]
model = dict(
    train_cfg=dict(
        rcnn=dict(
            sampler=dict(
                class_aware_nms=True,
                readonly_head=dict(
                    type='mmdet_ohem.ReadOnlyBBoxHead', dropout=True)))))
