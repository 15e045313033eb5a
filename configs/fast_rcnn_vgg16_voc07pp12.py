# Trained on 07++12: the baseline of Table 4.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py',
    '_base_/datasets/voc07pp12.py',
    '_base_/schedules/schedule_200k.py',
    '_base_/default_runtime.py',
]
val_cfg = None
