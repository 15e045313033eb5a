# Trained on VOC12 train, tested on VOC12 val, which needs no server.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py',
    '_base_/datasets/voc12_val.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
