# Fast R-CNN with VGG16, as in sections 3 and 5 of the OHEM paper.
model = dict(
    type='mmdet_ohem.FastRCNN',
    # The normalisation belongs to the weights: these are torchvision's.
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=1,
    ),
    backbone=dict(
        type='mmdet_ohem.VGG16',
        frozen_stages=2,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    roi_head=dict(
        type='StandardRoIHead',
        bbox_roi_extractor=dict(
            type='mmdet_ohem.RoIPoolExtractor',
            output_size=7,
            out_channels=512,
            featmap_stride=16,
            # A pixel of VOC's images in the resized ones, about.
            pixel=1.5,
        ),
        bbox_head=dict(
            type='mmdet_ohem.VGGBBoxHead',
            in_channels=512,
            roi_feat_size=7,
            fc_out_channels=(4096, 4096),
            num_classes=20,
            bbox_coder=dict(
                type='DeltaXYWHBBoxCoder',
                target_means=[0.0, 0.0, 0.0, 0.0],
                target_stds=[0.1, 0.1, 0.2, 0.2],
            ),
            reg_class_agnostic=False,
            loss_cls=dict(
                type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0
            ),
            loss_bbox=dict(type='SmoothL1Loss', beta=1.0, loss_weight=1.0),
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
        ),
    ),
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(
                type='MaxIoUAssigner',
                pos_iou_thr=0.5,
                # bg_lo = 0.1; a tuple, since mmdet takes no list here.
                neg_iou_thr=(0.1, 0.5),
                min_pos_iou=0.5,
                match_low_quality=False,
                ignore_iof_thr=-1,
            ),
            # B = 128 RoIs of N = 2 images, a quarter of them foreground.
            sampler=dict(
                type='RandomSampler',
                num=64,
                pos_fraction=0.25,
                neg_pos_ub=-1,
                add_gt_as_proposals=True,
            ),
            pos_weight=-1,
            debug=False,
        )
    ),
    # As the authors' released test; 0.05 and 100 are faster.
    test_cfg=dict(
        rcnn=dict(
            score_thr=1e-5,
            nms=dict(type='nms', iou_threshold=0.3),
            max_per_img=2000,
        )
    ),
)
