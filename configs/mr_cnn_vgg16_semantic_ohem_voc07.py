# MR-CNN with the semantic branch: features that tell objects from background,
# trained from boxes as weak masks, are one more region.
_base_ = './mr_cnn_vgg16_ohem_voc07.py'

model = dict(
    neck=dict(type='mmdet_ohem.ForegroundNeck'),
    roi_head=dict(semantic_region=(0, 1.5)))
