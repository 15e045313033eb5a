# 07+12: the union of VOC07 trainval and VOC12 trainval; tested on VOC07.
_base_ = './voc07.py'

_voc07 = _base_.train_dataloader.dataset
_voc12 = dict(
    _voc07,
    ann_file='VOC2012/ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root='VOC2012/'),
    # Images of both years are named JPEGImages/*: a file for each.
    proposal_file='proposals/voc_2012_trainval.safetensors',
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        # The only meta information in which the years differ.
        ignore_keys=['dataset_type'],
        datasets=[_voc07, _voc12],
    )
)
