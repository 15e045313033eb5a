# The same at a third of the learning rate, so that rows 9 and 10 of Table 1,
# which have three times that of row 2, learn as fast as row 2 of demo_sgd.py.
_base_ = './demo_sgd.py'

optim_wrapper = dict(optimizer=dict(lr=0.0033))
