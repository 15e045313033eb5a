# fast_rcnn_vgg16 for experiments in minutes: ImageNet's convolutions fixed,
# so that their features are kept, and a narrow RoI network from scratch.
_base_ = './fast_rcnn_vgg16.py'

model = dict(
    feature_cache='work_dirs/features',
    backbone=dict(
        frozen_stages=5,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='data/weights/vgg16_imagenet_convs.pth')),
    roi_head=dict(
        # VOC's images at half the size.
        bbox_roi_extractor=dict(pixel=0.75),
        bbox_head=dict(
            fc_out_channels=(512, 512), feature_scale=0.03, init_cfg=None)))
