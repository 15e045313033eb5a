# MR-CNN with the box and the ring around it alone: a quarter of the weights.
_base_ = './mr_cnn_vgg16_voc07.py'

model = dict(roi_head=dict(regions=[(0, 1), (0.8, 1.5)]))
