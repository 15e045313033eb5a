# MR-CNN with two regions at the size of make demo; as fast_rcnn_vgg16_demo.py.
_base_ = [
    '_base_/models/mr_cnn_vgg16.py', '_base_/datasets/demo.py',
    '_base_/schedules/schedule_demo.py', '_base_/default_runtime.py']
_weights = dict(type='Pretrained', checkpoint='data/demo/vgg16_digits.pth')
_head = dict(num_classes=10, fc_out_channels=(512, 512), init_cfg=_weights)
model = dict(feature_cache='work_dirs/features', roi_head=dict(
    regions=[(0, 1), (0.8, 1.5)], bbox_head=_head,
    bbox_roi_extractor=dict(pixel=1.0)),
    backbone=dict(frozen_stages=5, init_cfg=_weights))
default_hooks = dict(checkpoint=dict(interval=100, max_keep_ckpts=1))
