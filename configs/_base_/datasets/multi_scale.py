# +M of section 6: training draws one of five scales for each image, and a test
# runs five. The longest side is at most 1000 pixels: several scales may give
# the same image, which is then computed once.
train_scales = [(1000, side) for side in (480, 576, 688, 864, 900)]
test_scales = [(1000, side) for side in (480, 576, 688, 864, 1000)]

# mmdet_ohem.MultiScaleTestLoop and mmdet's `--tta` read it. mmdet's default
# model would leave proposals unflipped.
tta_model = dict(type='mmdet_ohem.MultiScaleTTAModel')
# What TestTimeAug does by name: for each step a list of alternatives.
tta_steps = dict(
    # Proposals are resized with the image of each view.
    views=[
        dict(
            type='ProposalBroadcaster',
            transforms=[dict(type='Resize', scale=scale, keep_ratio=True)],
        ) for scale in test_scales
    ],
    # After Resize: detections are compared in the original image.
    objects=[dict(type='LoadAnnotations', with_bbox=True)],
    pack=[
        dict(
            type='PackDetInputs',
            meta_keys=(
                'img_id',
                'img_path',
                'ori_shape',
                'img_shape',
                'scale_factor',
                'flip',
                'flip_direction',
            ),
        ),
    ],
)
