# The photographs with conv3 to conv5 trained, as in the paper.
# What it needs: see docs/evidence.md.
_base_ = './conv5.py'

model = dict(backbone=dict(frozen_stages=2))
