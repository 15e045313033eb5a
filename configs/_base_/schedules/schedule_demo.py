# schedule_80k, shortened to what 2 CPU cores do in a few minutes.
_base_ = './schedule_80k.py'

train_cfg = dict(max_iters=400)
val_cfg = None
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=30),
    dict(type='MultiStepLR', by_epoch=False, milestones=[320], gamma=0.1),
]
optim_wrapper = dict(
    optimizer=dict(lr=0.004), clip_grad=dict(max_norm=10, norm_type=2))
randomness = dict(seed=0)
