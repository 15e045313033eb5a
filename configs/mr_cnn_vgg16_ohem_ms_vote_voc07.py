# MR-CNN with OHEM, +M and +B, as its authors test it: each proposal at the
# scale that is closest to 224 x 224 pixels.
_base_ = './mr_cnn_vgg16_ohem_voc07.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
tta_model = dict(scale_choice='closest')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
