# Table 5: OHEM +M, trained on COCO 2014 trainval, AP 25.5 in the paper.
_base_ = './fast_rcnn_vgg16_ohem_coco14_trainval.py'

for _dataset in _base_.train_dataloader.dataset.datasets:
    _dataset.pipeline = _base_.multi_scale_train_pipeline
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
