# Table 3: Fast R-CNN as released in 2015, 66.9 mAP: difficult objects are
# trained on, no bias decays.
_base_ = './fast_rcnn_vgg16_40k_voc07.py'

train_dataloader = dict(dataset=dict(train_on_difficult=True))
optim_wrapper = dict(
    paramwise_cfg=dict(_delete_=True, bias_lr_mult=2.0, bias_decay_mult=0.0))
