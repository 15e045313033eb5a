# Train on your own dataset in VOC format: copy this file beside the others and
# edit its head. The images are ROOT/JPEGImages/*, with any suffix that OpenCV
# reads, their objects ROOT/Annotations/*.xml; mmdet-ohem proposals make finds
# the proposals. The page 'Your own data' says what is checked.
_base_ = './fast_rcnn_vgg16_ohem_voc07.py'

data_root = 'data/custom/'
classes = ('first_class', 'second_class')  # of one class: ('cat', )
train_list = 'ImageSets/Main/train.txt'
train_proposals = 'proposals/train.safetensors'
test_list = 'ImageSets/Main/test.txt'
test_proposals = 'proposals/test.safetensors'
scale = (1000, 600)  # longest and shortest side, pixels
# True: also images without objects, and without an xml file, are background.
keep_background_images = False

# Nothing below needs editing.
_base_.model.roi_head.bbox_head.num_classes = len(classes)
_common = dict(
    data_root=data_root,
    data_prefix=dict(sub_data_root=''),
    allow_no_annotation=keep_background_images,
    metainfo=dict(classes=classes))
_train, _test = _base_.train_dataloader.dataset, _base_.val_dataloader.dataset
_train.update(_common, ann_file=train_list, proposal_file=train_proposals)
_train.filter_cfg.filter_empty_gt = not keep_background_images
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
