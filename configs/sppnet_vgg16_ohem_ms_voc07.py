# +M: trained and tested at several scales, all of them for each proposal.
_base_ = './sppnet_vgg16_ohem_voc07.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
