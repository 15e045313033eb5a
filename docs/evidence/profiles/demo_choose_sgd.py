# To choose learning rates for SGD, on the images of demo_choose.py.
_base_ = './demo_choose.py'

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005
    )
)
