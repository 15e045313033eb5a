# OHEM by the authors' released schedule.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

train_cfg = dict(max_iters=40000)
_base_.param_scheduler[0].milestones = [30000]
