# The same at four times the learning rate.
_base_ = './demo_choose.py'

optim_wrapper = dict(optimizer=dict(lr=0.0012))
