# MR-CNN (Gidaris and Komodakis, ICCV 2015) with VGG16, trained end to end with
# softmax, where its authors have fixed convolutions and SVMs.
_base_ = './fast_rcnn_vgg16.py'

model = dict(
    roi_head=dict(
        type='mmdet_ohem.MRCNNRoIHead',
        # (inner, outer) scale about the centre of a RoI, or a half of it. Each
        # has its own fc6 and fc7: a shorter list makes a smaller network.
        regions=[
            (0, 1), 'left', 'right', 'upper', 'lower',
            (0, 0.5), (0.3, 0.8), (0.5, 1), (0.8, 1.5), (1, 1.8),
        ],
        # What boxes are relocated by.
        box_region=(0, 1.3),
        # (0, 1.5) in the paper, with model.neck of the type
        # mmdet_ohem.ForegroundNeck.
        semantic_region=None,
        bbox_roi_extractor=dict(type='mmdet_ohem.RegionExtractor'),
        bbox_head=dict(type='mmdet_ohem.MRCNNBBoxHead'),
    ),
)
