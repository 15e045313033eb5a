# 80k iterations of N = 2 images, learning rate x 0.1 at 30k and 60k.
train_cfg = dict(
    type='IterBasedTrainLoop', max_iters=80000, val_interval=20000
)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')

param_scheduler = [
    dict(
        type='MultiStepLR',
        by_epoch=False,
        milestones=[30000, 60000],
        gamma=0.1,
    ),
]

# The bias rule of the authors' released OHEM: twice the learning rate, and no
# decay for the biases of the fully connected layers. An entry of custom_keys
# switches bias_lr_mult off for the parameters it matches.
_fc_bias = dict(lr_mult=2.0, decay_mult=0.0)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.001, momentum=0.9, weight_decay=0.0005),
    paramwise_cfg=dict(
        bias_lr_mult=2.0,
        custom_keys={
            'fc6.bias': _fc_bias,
            'fc7.bias': _fc_bias,
            'fc_cls.bias': _fc_bias,
            'fc_reg.bias': _fc_bias,
        },
    ),
)
