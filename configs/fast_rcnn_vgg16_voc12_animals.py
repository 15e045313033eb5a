# The baseline on photographs, in minutes: a profile of mmdet-ohem table.
_base_ = [
    '_base_/models/fast_rcnn_vgg16_fixed_convs.py',
    '_base_/datasets/voc12_animals.py',
    '_base_/schedules/schedule_fixed_convs.py', '_base_/default_runtime.py']

model = dict(roi_head=dict(bbox_head=dict(num_classes=6)))
default_hooks = dict(checkpoint=dict(interval=500))
