# Table 1, row 8: B = 2048 RoIs of N = 2 images, higher learning rate, 60.4 mAP
# in the paper.
_base_ = './fast_rcnn_vgg_m_bg0_voc07.py'

optim_wrapper = dict(optimizer=dict(lr=0.004))
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(num=1024))))
