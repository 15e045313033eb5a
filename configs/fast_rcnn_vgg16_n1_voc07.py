# Table 1, row 5: B = 128 RoIs of N = 1 image, 66.3 mAP in the paper.
_base_ = './fast_rcnn_vgg16_voc07.py'

train_dataloader = dict(batch_size=1)
model = dict(train_cfg=dict(rcnn=dict(sampler=dict(num=128))))
