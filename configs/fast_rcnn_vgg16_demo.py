# The baseline of make demo: smaller images, and a VGG16 of a quarter of its
# width. Its convolutions know digits and stay as they are: their features are
# kept, so that an iteration takes a twentieth of a second on a CPU.
_base_ = [
    '_base_/models/fast_rcnn_vgg16.py', '_base_/datasets/demo.py',
    '_base_/schedules/schedule_demo.py', '_base_/default_runtime.py']
_weights = dict(type='Pretrained', checkpoint='data/demo/vgg16_digits.pth')
_head = dict(num_classes=10, fc_out_channels=(256, 256), init_cfg=_weights)
model = dict(feature_cache='work_dirs/features', roi_head=dict(
        bbox_roi_extractor=dict(pixel=1.0, out_channels=128),
        bbox_head=dict(in_channels=128, **_head)),
    backbone=dict(frozen_stages=5, widen_factor=0.25, init_cfg=_weights))
default_hooks = dict(checkpoint=dict(interval=250, max_keep_ckpts=1))
