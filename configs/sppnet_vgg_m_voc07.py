# SPPnet with VGG_CNN_M_1024 on VOC07; the page 'SPPnet and MR-CNN'.
_base_ = [
    '_base_/models/sppnet_vgg_m.py',
    '_base_/datasets/voc07.py',
    '_base_/schedules/schedule_80k.py',
    '_base_/default_runtime.py',
]
