# Section 6, +B: OHEM, tested with iterative localisation and box voting.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
