# The photographs with conv3 to conv5 trained, as in the paper, at a tenth of
# the fc layers' rate. What it needs: see docs/evidence.md.
_base_ = '../../../configs/fast_rcnn_vgg16_voc12_animals.py'

model = dict(backbone=dict(frozen_stages=2))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)})
)
