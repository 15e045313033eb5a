# For fc6 and fc7 that know digits, on a fixed conv network: a minute or two of
# one core. The setting is that of schedule_fixed_convs.py, shortened.
_base_ = './schedule_fixed_convs.py'

train_cfg = dict(max_iters=1500)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='MultiStepLR', by_epoch=False, milestones=[1200], gamma=0.1),
]
