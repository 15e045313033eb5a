# As fast_rcnn_vgg16_ohem_ms_vote_voc07.py, at the scales of the demo.
_base_ = './fast_rcnn_vgg16_ohem_demo.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
