# Table 5: OHEM +M, trained on COCO 2014 train, AP 24.4 in the paper.
_base_ = './fast_rcnn_vgg16_ohem_coco14.py'

_base_.train_dataloader.dataset.pipeline[3].transforms[1] = _base_.train_resize
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
