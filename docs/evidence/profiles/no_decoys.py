# The embedded dataset of tools/make_demo_dataset.py --num-decoys 0 0.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

_data = dict(data_root='data/demo_no_decoys/')
train_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
