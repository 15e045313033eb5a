# The same at three times the learning rate.
_base_ = './demo_choose_sgd.py'

optim_wrapper = dict(optimizer=dict(lr=0.03))
