# Table 1, row 1: the baseline with VGG_CNN_M_1024, 59.6 mAP in the paper.
_base_ = [
    '_base_/models/fast_rcnn_vgg_m.py',
    '_base_/datasets/voc07.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
