# Table 1, row 10: B = 2048 RoIs of N = 2 images, learning rate x 3, 68.7 mAP
# in the paper.
_base_ = './fast_rcnn_vgg16_bg0_voc07.py'

optim_wrapper = dict(optimizer=dict(lr=0.003))
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(num=1024))))
