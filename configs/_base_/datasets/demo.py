# The embedded dataset, which make demo of a clone writes, at the size it has.
_base_ = './voc07.py'

data_root = 'data/demo/'
scale = (256, 192)
# +M: 0.32 of VOC's scales, as are the images.
train_scales = [(320, side) for side in (154, 184, 220, 276, 288)]
test_scales = [(320, side) for side in (154, 184, 220, 276, 320)]
# Of other networks, for tables at this size: tools/make_demo_weights.py of
# a clone.
network_weights = {'mmdet_ohem.VGGM': 'data/demo/vgg_m_digits.pth'}
classes = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven',
           'eight', 'nine')

# A mirrored digit is no digit: it is among the hard background.
for _steps in (_base_.train_steps, _base_.multi_scale_train_steps):
    _steps.move.flip.prob = 0.
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
    ann_file='ImageSets/Main/test.txt',
    proposal_file='proposals/test.safetensors',
    pipeline=test_pipeline)
_base_.test_dataloader.dataset = _test
# Tested once, after training.
_base_.update(val_dataloader=None, val_evaluator=None)
