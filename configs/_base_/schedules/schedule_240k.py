# For COCO: 240k iterations, learning rate x 0.1 at 160k. Validation takes
# hours: once, at the end.
_base_ = './schedule_80k.py'

train_cfg = dict(max_iters=240000, val_interval=240000)
_base_.param_scheduler[0].milestones = [160000]
