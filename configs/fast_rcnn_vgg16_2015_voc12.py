# Table 4: Fast R-CNN as released in 2015, trained on VOC12, 65.7 mAP.
_base_ = './fast_rcnn_vgg16_voc12.py'

train_cfg = dict(max_iters=40000)
_base_.param_scheduler[0].milestones = [30000]
train_dataloader = dict(dataset=dict(train_on_difficult=True))
optim_wrapper = dict(
    paramwise_cfg=dict(_delete_=True, bias_lr_mult=2.0, bias_decay_mult=0.0))
