# Table 4: OHEM +M +B, trained on VOC12, 72.9 mAP in the paper.
_base_ = './fast_rcnn_vgg16_ohem_voc12.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
