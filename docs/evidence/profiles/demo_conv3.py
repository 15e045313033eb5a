# The embedded dataset with conv3 to conv5 trained, at a tenth of the fc
# layers' rate, as in the paper; what the two frozen stages make is kept.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

model = dict(backbone=dict(frozen_stages=2))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)})
)
