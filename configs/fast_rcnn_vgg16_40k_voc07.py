# The baseline as the authors released it, 67.6 mAP by their account: their
# schedule, and all biases decay.
_base_ = './fast_rcnn_vgg16_voc07.py'

train_cfg = dict(max_iters=40000)
_base_.param_scheduler[0].milestones = [30000]
optim_wrapper = dict(
    paramwise_cfg=dict(_delete_=True, bias_lr_mult=2.0))
