# Table 5: OHEM +M, trained on COCO 2014 train, AP 24.4 in the paper.
_base_ = './fast_rcnn_vgg16_ohem_coco14.py'

_base_.train_dataloader.dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
