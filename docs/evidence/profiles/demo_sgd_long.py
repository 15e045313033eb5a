# The embedded dataset, trained by SGD, with twice the iterations.
_base_ = './demo_sgd.py'

train_cfg = dict(max_iters=3000)
_base_.param_scheduler[1].milestones = [2400]
