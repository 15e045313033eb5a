# The embedded dataset at half the learning rate, which mmdet's own sampler
# does better with.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

optim_wrapper = dict(optimizer=dict(lr=0.00015))
