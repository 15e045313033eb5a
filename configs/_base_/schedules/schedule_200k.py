# For 07+12 and 07++12: 200k iterations, learning rate x 0.1 each 40k.
_base_ = './schedule_80k.py'

train_cfg = dict(max_iters=200000, val_interval=40000)
_base_.param_scheduler[0].milestones = [40000, 80000, 120000, 160000]
