# COCO 2014 train; validated on val after training, tested on test-dev 2015,
# whose objects only the evaluation server knows.
_base_ = './voc07.py'

data_root = 'data/coco/'

# The first 2000, as in the authors' code.
for _steps in (_base_.train_steps, _base_.multi_scale_train_steps,
               _base_.test_steps):
    _steps.load.proposals.num_max_proposals = 2000
del _steps


def _pipeline(load: dict, move: dict, finish: dict) -> list:
    move = dict(type='ProposalBroadcaster', transforms=[*move.values()])
    return [*load.values(), move, *finish.values()]


train_pipeline = _pipeline(**_base_.train_steps)
multi_scale_train_pipeline = _pipeline(**_base_.multi_scale_train_steps)
test_pipeline = _pipeline(**_base_.test_steps)
tta_pipeline = [
    *_base_.test_steps.load.values(),
    dict(type='TestTimeAug', transforms=[*_base_.tta_steps.values()]),
]

_train = dict(
    type='mmdet_ohem.CocoProposalDataset',
    data_root=data_root,
    ann_file='annotations/instances_train2014.json',
    data_prefix=dict(img='train2014/'),
    proposal_file='proposals/coco_2014_train.safetensors',
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=train_pipeline,
)
_val = dict(
    type='mmdet_ohem.CocoProposalDataset',
    data_root=data_root,
    ann_file='annotations/instances_val2014.json',
    data_prefix=dict(img='val2014/'),
    proposal_file='proposals/coco_2014_val.safetensors',
    test_mode=True,
    pipeline=test_pipeline,
)
_test_list = 'annotations/image_info_test-dev2015.json'
_test = dict(
    _val,
    ann_file=_test_list,
    data_prefix=dict(img='test2015/'),
    proposal_file='proposals/coco_2015_test-dev.safetensors',
)
train_dataloader = dict(dataset=dict(_delete_=True, **_train))
val_dataloader = dict(dataset=dict(_delete_=True, **_val))
test_dataloader = dict(dataset=dict(_delete_=True, **_test))

val_evaluator = dict(
    _delete_=True,
    type='CocoMetric',
    metric='bbox',
    ann_file=data_root + _val['ann_file'],
)
test_evaluator = dict(
    _delete_=True,
    type='CocoMetric',
    metric='bbox',
    ann_file=data_root + _test_list,
    format_only=True,
    # mmdet-ohem table writes into the folder of the run.
    outfile_prefix='work_dirs/coco_test-dev/detections',
)
