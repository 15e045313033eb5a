# COCO 2014 train and val together; tested on test-dev 2015.
_base_ = './coco14.py'

_train = _base_.train_dataloader.dataset
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            _train,
            dict(
                _train,
                ann_file='annotations/instances_val2014.json',
                data_prefix=dict(img='val2014/'),
                proposal_file='proposals/coco_2014_val.safetensors',
            ),
        ],
    )
)
# There is nothing left to validate on.
_base_.update(val_dataloader=None, val_evaluator=None)
