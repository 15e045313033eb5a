# The embedded dataset with twice the iterations.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

train_cfg = dict(max_iters=3000)
_base_.param_scheduler[1].milestones = [2400]
