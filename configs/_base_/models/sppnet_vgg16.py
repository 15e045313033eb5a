# SPPnet (He et al., ECCV 2014) with VGG16: the convolutions do not learn, and
# RoIs are pooled by a pyramid. Its outputs are Fast R-CNN's, not SVMs.
_base_ = './fast_rcnn_vgg16.py'

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
