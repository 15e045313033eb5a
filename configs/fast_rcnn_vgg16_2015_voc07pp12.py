# Table 4: Fast R-CNN as released in 2015, trained on 07++12, 68.4 mAP.
_base_ = './fast_rcnn_vgg16_voc07pp12.py'

train_cfg = dict(max_iters=100000)
_base_.param_scheduler[0].milestones = [40000, 80000]
for _dataset in _base_.train_dataloader.dataset.datasets:
    _dataset.train_on_difficult = True
optim_wrapper = dict(
    paramwise_cfg=dict(_delete_=True, bias_lr_mult=2.0, bias_decay_mult=0.0))
