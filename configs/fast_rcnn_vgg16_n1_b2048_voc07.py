# Table 1, row 9: B = 2048 RoIs of N = 1 image, higher learning rate, 67.5 mAP
# in the paper.
_base_ = './fast_rcnn_vgg16_n1_bg0_voc07.py'

optim_wrapper = dict(optimizer=dict(lr=0.003))
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(num=2048))))
