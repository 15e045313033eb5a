# VOC07 trainval and test with precomputed selective-search proposals.
_base_ = './multi_scale.py'

dataset_type = 'mmdet_ohem.VOCProposalDataset'
data_root = 'data/VOCdevkit/'
# Shorter side 600 pixels, unless the longer one passes 1000.
scale = (1000, 600)

# The steps by name, in the order in which they run. A config that inherits
# them changes a step by its name and then puts the pipelines together again,
# as demo.py does: mmengine hands on copies, which a change does not reach.
train_steps = dict(
    load=dict(
        image=dict(type='LoadImageFromFile'),
        proposals=dict(type='mmdet_ohem.LoadProposals'),
        objects=dict(type='LoadAnnotations', with_bbox=True),
    ),
    # Steps that move the proposals along with the image.
    move=dict(
        flip=dict(type='RandomFlip', prob=0.5),
        resize=dict(type='Resize', scale=scale, keep_ratio=True),
    ),
    finish=dict(pack=dict(type='PackDetInputs')),
)
# For +M.
multi_scale_train_steps = dict(
    train_steps,
    move=dict(
        train_steps['move'],
        resize=dict(
            type='RandomChoiceResize',
            scales=_base_.train_scales,
            keep_ratio=True,
        ),
    ),
)
test_steps = dict(
    load=dict(
        image=dict(type='LoadImageFromFile'),
        proposals=dict(type='mmdet_ohem.LoadProposals'),
    ),
    move=dict(resize=dict(type='Resize', scale=scale, keep_ratio=True)),
    finish=dict(
        # After Resize: detections are compared in the original image.
        objects=dict(type='LoadAnnotations', with_bbox=True),
        pack=dict(
            type='PackDetInputs',
            meta_keys=(
                'img_id',
                'img_path',
                'ori_shape',
                'img_shape',
                'scale_factor',
            ),
        ),
    ),
)


def _pipeline(load: dict, move: dict, finish: dict) -> list:
    move = dict(type='ProposalBroadcaster', transforms=[*move.values()])
    return [*load.values(), move, *finish.values()]


train_pipeline = _pipeline(**train_steps)
multi_scale_train_pipeline = _pipeline(**multi_scale_train_steps)
test_pipeline = _pipeline(**test_steps)
tta_pipeline = [
    *test_steps['load'].values(),
    dict(type='TestTimeAug', transforms=[*_base_.tta_steps.values()]),
]

# N = 2 images an iteration.
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file='proposals/voc_2007_trainval.safetensors',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file='proposals/voc_2007_test.safetensors',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader

val_evaluator = dict(
    type='mmdet_ohem.DevkitVOCMetric', metric='mAP', eval_mode='11points'
)
test_evaluator = val_evaluator
