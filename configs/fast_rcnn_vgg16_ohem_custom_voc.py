# Train on your own dataset in VOC format: copy this file beside the others and
# edit its head. The images are ROOT/JPEGImages/*.jpg, their objects
# ROOT/Annotations/*.xml; tools/make_proposals.py makes the proposals.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

data_root = 'data/custom/'
classes = ('first_class', 'second_class')
train_list = 'ImageSets/Main/train.txt'
train_proposals = 'proposals/train.pkl'
test_list = 'ImageSets/Main/test.txt'
test_proposals = 'proposals/test.pkl'
scale = (1000, 600)  # longest and shortest side, pixels

# Nothing below needs editing.
_base_.model.roi_head.bbox_head.num_classes = len(classes)
_common = dict(
    data_root=data_root,
    data_prefix=dict(sub_data_root=''),
    metainfo=dict(classes=classes))
_train, _test = _base_.train_dataloader.dataset, _base_.val_dataloader.dataset
_train.update(_common, ann_file=train_list, proposal_file=train_proposals)
_test.update(_common, ann_file=test_list, proposal_file=test_proposals)
for _dataset, _steps in ((_train, _base_.train_steps),
                         (_test, _base_.test_steps)):
    _steps.move.resize.scale = scale
    _dataset.pipeline = [
        *_steps.load.values(),
        dict(
            type='ProposalBroadcaster', transforms=[*_steps.move.values()]),
        *_steps.finish.values()
    ]
_base_.test_dataloader.dataset = _test
