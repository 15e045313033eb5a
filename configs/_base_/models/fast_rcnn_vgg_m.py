# Fast R-CNN with VGG_CNN_M_1024. No hub has its weights: mmdet-ohem weights
# makes this file from Caffe's VGG_CNN_M_1024.v2.caffemodel.
_base_ = './fast_rcnn_vgg16.py'

_weights = dict(
    type='Pretrained', checkpoint='data/weights/vgg_cnn_m_1024.pth'
)
model = dict(
    # The normalisation belongs to the weights: these are Caffe's.
    data_preprocessor=dict(
        mean=[102.9801, 115.9465, 122.7717],
        std=[1.0, 1.0, 1.0],
        bgr_to_rgb=False,
    ),
    backbone=dict(type='mmdet_ohem.VGGM', frozen_stages=1, init_cfg=_weights),
    roi_head=dict(
        bbox_roi_extractor=dict(output_size=6),
        bbox_head=dict(
            roi_feat_size=6, fc_out_channels=(4096, 1024), init_cfg=_weights
        ),
    ),
)
