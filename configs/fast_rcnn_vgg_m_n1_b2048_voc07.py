# Table 1, row 7: B = 2048 RoIs of N = 1 image, higher learning rate, 57.7 mAP
# in the paper.
_base_ = './fast_rcnn_vgg_m_bg0_voc07.py'

train_dataloader = dict(batch_size=1)
optim_wrapper = dict(optimizer=dict(lr=0.004))
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(num=2048))))
