# The baseline of make demo: smaller images, schedule, fc6 and fc7. So short a
# schedule unlearns more in conv3-5 than it learns: they stay as they are, and
# their features are kept.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py', '_base_/datasets/demo.py',
    '_base_/schedules/schedule_demo.py', '_base_/default_runtime.py']
_weights = dict(type='Pretrained', checkpoint='data/demo/vgg16_digits.pth')
model = dict(
    feature_cache='work_dirs/features',
    backbone=dict(frozen_stages=5, init_cfg=_weights),
    roi_head=dict(bbox_roi_extractor=dict(pixel=1.0), bbox_head=dict(
        num_classes=10, fc_out_channels=(512, 512), init_cfg=_weights)))
default_hooks = dict(checkpoint=dict(interval=100, max_keep_ckpts=1))
