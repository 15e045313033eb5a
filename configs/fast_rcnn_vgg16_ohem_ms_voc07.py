# Section 6, +M: OHEM, trained and tested at several scales. Test at one
# scale: --cfg-options test_cfg.type=TestLoop
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
