# The embedded dataset with conv3 to conv5 trained, as in the paper;
# what the two frozen stages make is kept.
_base_ = './demo_conv5.py'

model = dict(backbone=dict(frozen_stages=2))
