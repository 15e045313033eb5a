# The embedded dataset with no hard background. What it needs:
#   python tools/make_demo_dataset.py --num-decoys 0 0 \
#     --out data/demo_no_decoys
#   mmdet-ohem proposals make data/demo_no_decoys/ImageSets/Main/train.txt \
#     --img-dir data/demo_no_decoys/JPEGImages --width 256 \
#     --out data/demo_no_decoys/proposals/train.safetensors   # and test
#   python tools/make_demo_weights.py
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

_data = dict(data_root='data/demo_no_decoys/')
train_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
