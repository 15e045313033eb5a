# Table 1, row 2: the baseline, 67.2 mAP in the paper.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py',
    '_base_/datasets/voc07.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
