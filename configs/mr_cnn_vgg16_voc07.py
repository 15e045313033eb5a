# MR-CNN with VGG16 on VOC07, all ten regions; the page 'SPPnet and MR-CNN'.
_base_ = [
    '_base_/models/mr_cnn_vgg16.py',
    '_base_/datasets/voc07.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
