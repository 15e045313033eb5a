# COCO 2014 train; validated on val after training, tested on test-dev 2015,
# whose objects only the evaluation server knows.
_base_ = './voc07.py'

data_root = 'data/coco/'

# The first 2000, as in the authors' code.
for _pipeline in (_base_.train_pipeline, _base_.test_pipeline,
                  _base_.tta_pipeline):
    _pipeline[1].num_max_proposals = 2000

_train = dict(
    type='mmdet_ohem.CocoProposalDataset',
    data_root=data_root,
    ann_file='annotations/instances_train2014.json',
    data_prefix=dict(img='train2014/'),
    proposal_file='proposals/coco_2014_train.pkl',
    filter_cfg=dict(filter_empty_gt=True),
    pipeline=_base_.train_pipeline,
)
_val = dict(
    type='mmdet_ohem.CocoProposalDataset',
    data_root=data_root,
    ann_file='annotations/instances_val2014.json',
    data_prefix=dict(img='val2014/'),
    proposal_file='proposals/coco_2014_val.pkl',
    test_mode=True,
    pipeline=_base_.test_pipeline,
)
_test_list = 'annotations/image_info_test-dev2015.json'
_test = dict(
    _val,
    ann_file=_test_list,
    data_prefix=dict(img='test2015/'),
    proposal_file='proposals/coco_2015_test-dev.pkl',
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
    # tools/run_table.py writes into the folder of the run.
    outfile_prefix='work_dirs/coco_test-dev/detections',
)
