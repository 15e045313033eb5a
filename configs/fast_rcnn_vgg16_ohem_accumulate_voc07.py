# OHEM on a small GPU, which sees one image at a time; an update is for N = 2.
# Iterations then count images, so that all numbers of iterations double.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

train_dataloader = dict(batch_size=1)
optim_wrapper = dict(accumulative_counts=2)
train_cfg = dict(max_iters=160000, val_interval=40000)
_base_.param_scheduler[0].milestones = [60000, 120000]
default_hooks = dict(checkpoint=dict(interval=20000))
