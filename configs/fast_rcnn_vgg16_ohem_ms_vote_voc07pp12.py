# Table 4: OHEM +M +B, trained on 07++12, 76.3 mAP in the paper.
_base_ = './fast_rcnn_vgg16_ohem_voc07pp12.py'

for _dataset in _base_.train_dataloader.dataset.datasets:
    _dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
