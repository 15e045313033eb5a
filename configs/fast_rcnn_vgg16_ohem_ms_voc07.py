# Section 6, +M: OHEM, trained and tested at several scales. Test at one
# scale: --cfg-options test_cfg.type=TestLoop
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

_base_.train_dataloader.dataset.pipeline[3].transforms[1] = _base_.train_resize
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
