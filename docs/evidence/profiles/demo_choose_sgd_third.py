# The same at a third of the learning rate.
_base_ = './demo_choose_sgd.py'

optim_wrapper = dict(optimizer=dict(lr=0.0033))
