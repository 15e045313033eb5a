# MR-CNN at the size of make demo; as fast_rcnn_vgg16_demo.py.
_base_ = './fast_rcnn_vgg16_demo.py'

model = dict(
    roi_head=dict(
        type='mmdet_ohem.MRCNNRoIHead',
        regions=[(0, 1), (0.8, 1.5)],
        bbox_roi_extractor=dict(type='mmdet_ohem.RegionExtractor'),
        bbox_head=dict(type='mmdet_ohem.MRCNNBBoxHead')))
