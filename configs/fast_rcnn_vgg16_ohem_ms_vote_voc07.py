# Table 3: OHEM +M +B, 75.1 mAP in the paper. Test it without +M:
# --cfg-options test_cfg.type=TestLoop; without +B: the config
# fast_rcnn_vgg16_ohem_ms_voc07.py with the same checkpoint.
_base_ = './fast_rcnn_vgg16_ohem_ms_voc07.py'

_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
