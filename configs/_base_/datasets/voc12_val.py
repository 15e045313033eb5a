# VOC12 train and val, whose objects are public; from VOC10 on, AP is the area
# under the curve.
_base_ = './voc07.py'

_voc12 = dict(data_prefix=dict(sub_data_root='VOC2012/'))
_base_.train_dataloader.dataset.update(
    _voc12,
    ann_file='VOC2012/ImageSets/Main/train.txt',
    proposal_file='proposals/voc_2012_train.safetensors')
_base_.val_dataloader.dataset.update(
    _voc12,
    ann_file='VOC2012/ImageSets/Main/val.txt',
    proposal_file='proposals/voc_2012_val.safetensors')
_base_.test_dataloader = _base_.val_dataloader
_base_.val_evaluator.eval_mode = 'area'
_base_.test_evaluator = _base_.val_evaluator
