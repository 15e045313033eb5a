# The baseline by the authors' released schedule, 67.6 mAP by their account.
_base_ = './fast_rcnn_vgg16_voc07.py'

train_cfg = dict(max_iters=40000)
_base_.param_scheduler[0].milestones = [30000]
