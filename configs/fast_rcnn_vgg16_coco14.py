# Trained on COCO 2014 train: the baseline of Table 5, AP 19.7 in the paper.
_base_ = [
    '_base_/models/fast_rcnn_vgg16_coco.py',
    '_base_/datasets/coco14.py',
    '_base_/schedules/schedule_240k.py',
    '_base_/default_runtime.py',
]
