# The photographs with conv5 trained, at a tenth of the fc layers' rate; what
# the four frozen stages make is kept. What it needs: see docs/evidence.md.
_base_ = '../../../configs/fast_rcnn_vgg16_voc12_animals.py'

model = dict(backbone=dict(frozen_stages=4))
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)})
)
