# MR-CNN with OHEM, +M and +B, trained on 07+12.
_base_ = './mr_cnn_vgg16_ohem_voc0712.py'

for _dataset in _base_.train_dataloader.dataset.datasets:
    _dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
tta_model = dict(scale_choice='closest')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
