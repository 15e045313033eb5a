# The embedded dataset with more hard background. What it needs:
#   python tools/make_demo_dataset.py --num-decoys 12 16 \
#     --out data/demo_many_decoys
#   mmdet-ohem proposals make data/demo_many_decoys/ImageSets/Main/train.txt \
#     --img-dir data/demo_many_decoys/JPEGImages --width 256 \
#     --out data/demo_many_decoys/proposals/train.safetensors   # and test
#   python tools/make_demo_weights.py
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

_data = dict(data_root='data/demo_many_decoys/')
train_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
