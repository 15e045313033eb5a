# Table 1, row 12: OHEM with VGG_CNN_M_1024, 62.0 mAP in the paper.
_base_ = './fast_rcnn_vgg_m_voc07.py'

model = dict(
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(neg_iou_thr=0.5),  # bg_lo = 0
            sampler=dict(
                _delete_=True, type='mmdet_ohem.OHEMSampler', num=64))))
