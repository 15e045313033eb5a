# For fc6 and fc7 from scratch on a fixed conv network: minutes, on a CPU.
_base_ = './schedule_80k.py'

train_cfg = dict(max_iters=2000)
val_cfg = None
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type='MultiStepLR', by_epoch=False, milestones=[1500], gamma=0.1),
]
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='AdamW',
        lr=0.0003,
        weight_decay=0.0005,
        fused=True),
    clip_grad=dict(max_norm=10, norm_type=2))
randomness = dict(seed=0)
