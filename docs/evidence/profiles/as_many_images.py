# The photographs with twice the iterations: at N = 1 as many images are seen
# as by rows with N = 2 in the other profile. What it needs: docs/evidence.md.
_base_ = '../../../configs/fast_rcnn_vgg16_voc12_animals.py'

train_cfg = dict(max_iters=4000)
_base_.param_scheduler[1].milestones = [3000]
