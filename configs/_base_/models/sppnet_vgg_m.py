# As sppnet_vgg16.py with VGG_CNN_M_1024, whose fc6 reads as many bins as the
# finest level: it starts as Fast R-CNN.
_base_ = './fast_rcnn_vgg_m.py'

_levels = (1, 2, 3, 6)  # bins a side
model = dict(
    backbone=dict(frozen_stages=5),
    roi_head=dict(
        bbox_roi_extractor=dict(
            _delete_=True,
            type='mmdet_ohem.SPPExtractor',
            levels=_levels,
            out_channels=512,
            featmap_stride=16,
            pixel=1.5,
        ),
        bbox_head=dict(type='mmdet_ohem.SPPBBoxHead', levels=_levels),
    ),
)
