# Trained on COCO 2014 trainval, otherwise as fast_rcnn_vgg16_coco14.py.
_base_ = [
    '_base_/models/fast_rcnn_vgg16_coco.py',
    '_base_/datasets/coco14_trainval.py',
    '_base_/schedules/schedule_240k.py',
    '_base_/default_runtime.py',
]
val_cfg = None
