# To choose a rule's learning rate without the test images: the embedded
# dataset, trained on 300 of its training images, tested on the other 100.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

train_dataloader = dict(dataset=dict(indices=300))
test_dataloader = dict(
    dataset=dict(
        ann_file='ImageSets/Main/train.txt',
        proposal_file='proposals/train.safetensors',
        indices=-100,
    )
)
