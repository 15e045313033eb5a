# Table 3: OHEM +M +B, 75.1 mAP in the paper. A test without one of them:
# --cfg-options test_cfg.type=TestLoop (+M) or "custom_hooks=[]" (+B).
_base_ = './fast_rcnn_vgg16_ohem_ms_voc07.py'

_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
