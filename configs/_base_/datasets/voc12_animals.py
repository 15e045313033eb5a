# Images of VOC2012 with animals: 705 of its train split, 400 of its val split,
# six classes, at half of VOC07's size.
_base_ = './voc07.py'

data_root = 'data/voc12_animals/'
classes = ('cat', 'cow', 'dog', 'horse', 'person', 'sheep')
scale = (500, 300)
# +M: half of VOC's scales, as are the images.
train_scales = [(500, side) for side in (240, 288, 344, 432, 450)]
test_scales = [(500, side) for side in (240, 288, 344, 432, 500)]

for _steps in (_base_.train_steps, _base_.test_steps):
    _steps.move.resize.scale = scale
_base_.multi_scale_train_steps.move.resize.scales = train_scales
_resize = _base_.test_steps.move.resize
_base_.tta_steps.views = [
    dict(type='ProposalBroadcaster', transforms=[dict(_resize, scale=view)])
    for view in test_scales
]
del _steps, _resize


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

_common = dict(
    data_root=data_root,
    data_prefix=dict(sub_data_root=''),
    metainfo=dict(classes=classes))
_train, _test = _base_.train_dataloader.dataset, _base_.val_dataloader.dataset
_train.update(
    _common,
    ann_file='ImageSets/Main/train.txt',
    proposal_file='proposals/train.safetensors',
    pipeline=train_pipeline)
_test.update(
    _common,
    ann_file='ImageSets/Main/val.txt',
    proposal_file='proposals/val.safetensors',
    pipeline=test_pipeline)
_base_.train_dataloader.update(num_workers=0, persistent_workers=False)
_base_.val_dataloader.update(num_workers=0, persistent_workers=False)
_base_.test_dataloader = _base_.val_dataloader
_base_.test_evaluator = dict(
    type='mmdet_ohem.DevkitVOCMetric',
    metric='mAP',
    eval_mode='area',
    iou_thrs=[0.5, 0.7])
# Tested once, after training.
_base_.update(val_dataloader=None, val_evaluator=None)
