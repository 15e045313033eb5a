# 12: VOC12 trainval; tested on VOC12 test, whose objects only the evaluation
# server knows: the test writes the archive to send in.
_base_ = './voc07.py'

train_dataloader = dict(
    dataset=dict(
        ann_file='VOC2012/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        proposal_file='proposals/voc_2012_trainval.safetensors',
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmdet_ohem.ImageListDataset',
        data_root=_base_.data_root,
        ann_file='VOC2012/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2012/'),
        proposal_file='proposals/voc_2012_test.safetensors',
        test_mode=True,
        pipeline=_base_.test_pipeline,
    )
)
test_evaluator = dict(
    _delete_=True,
    type='mmdet_ohem.VOCServerMetric',
    # mmdet-ohem table writes into the folder of the run.
    outfile_prefix='work_dirs/voc12_test/detections',
)
# There is nothing to validate on.
_base_.update(val_dataloader=None, val_evaluator=None)
