# 07++12: the union of VOC07 trainval, VOC07 test and VOC12 trainval; tested on
# VOC12 test.
_base_ = './voc12.py'

_voc12 = _base_.train_dataloader.dataset
_voc07 = dict(_voc12, data_prefix=dict(sub_data_root='VOC2007/'))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        # The only meta information in which the years differ.
        ignore_keys=['dataset_type'],
        datasets=[
            dict(
                _voc07,
                ann_file='VOC2007/ImageSets/Main/trainval.txt',
                proposal_file='proposals/voc_2007_trainval.safetensors',
            ),
            dict(
                _voc07,
                ann_file='VOC2007/ImageSets/Main/test.txt',
                proposal_file='proposals/voc_2007_test.safetensors',
            ),
            _voc12,
        ],
    )
)
