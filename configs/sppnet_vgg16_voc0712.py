# As sppnet_vgg16_voc07.py, trained on 07+12.
_base_ = [
    '_base_/models/sppnet_vgg16.py',
    '_base_/datasets/voc0712.py',
    '_base_/schedules/schedule_200k.py',
    '_base_/default_runtime.py',
]
