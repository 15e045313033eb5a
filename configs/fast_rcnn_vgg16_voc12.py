# Trained on VOC12: the baseline of Table 4.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py',
    '_base_/datasets/voc12.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
val_cfg = None
