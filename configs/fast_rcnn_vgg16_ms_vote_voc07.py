# Table 3: FRCN* +M +B, 72.4 mAP in the paper; as the OHEM config of this name.
_base_ = './fast_rcnn_vgg16_voc07.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
