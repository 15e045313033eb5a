# fast_rcnn_vgg16 with Caffe's weights, as the paper has it: made by
# mmdet-ohem weights from VGG16.v2.caffemodel.
_base_ = './fast_rcnn_vgg16.py'

_weights = dict(type='Pretrained', checkpoint='data/weights/vgg16_caffe.pth')
model = dict(
    # The normalisation belongs to the weights: these are Caffe's.
    data_preprocessor=dict(
        mean=[102.9801, 115.9465, 122.7717],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False),
    backbone=dict(init_cfg=_weights),
    roi_head=dict(bbox_head=dict(init_cfg=_weights)))
