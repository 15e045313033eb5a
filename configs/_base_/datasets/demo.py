# The embedded dataset of tools/make_demo_dataset.py, at the size it has.
_base_ = './voc07.py'

data_root = 'data/demo/'
scale = (256, 192)
classes = ('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven',
           'eight', 'nine')

_common = dict(
    data_root=data_root,
    data_prefix=dict(sub_data_root=''),
    metainfo=dict(classes=classes))
_train, _test = _base_.train_dataloader.dataset, _base_.val_dataloader.dataset
_train.update(
    _common,
    ann_file='ImageSets/Main/train.txt',
    proposal_file='proposals/train.pkl')
_test.update(
    _common,
    ann_file='ImageSets/Main/test.txt',
    proposal_file='proposals/test.pkl')
# A mirrored digit is no digit: it is among the hard background.
_train.pipeline[3].transforms[0].prob = 0.
_train.pipeline[3].transforms[1].scale = scale
_test.pipeline[2].transforms[0].scale = scale
_base_.test_dataloader.dataset = _test
# Tested once, after training.
_base_.update(val_dataloader=None, val_evaluator=None)
