# OHEM in sppnet_vgg16_demo.py; as fast_rcnn_vgg16_ohem_demo.py.
_base_ = './sppnet_vgg16_demo.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
