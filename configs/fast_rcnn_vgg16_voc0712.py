# Trained on 07+12: the baseline of Table 3.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py',
    '_base_/datasets/voc0712.py',
    '_base_/schedules/schedule_200k.py',
    '_base_/default_runtime.py',
]
