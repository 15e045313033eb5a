# Blood cells (BCCD), in which annotators left some out. What it needs:
#   data/bccd/{Annotations,ImageSets,JPEGImages}, as published
#   mmdet-ohem proposals make data/bccd/ImageSets/Main/train.txt \
#     --img-dir data/bccd/JPEGImages --width 300 \
#     --out data/bccd/proposals/train.safetensors   # and val
#   data/weights/vgg16_imagenet_convs.pth, as docs/evidence.md says
_base_ = '../../../configs/fast_rcnn_vgg16_voc12_animals.py'

classes = ('RBC', 'WBC', 'Platelets')
_data = dict(data_root='data/bccd/', metainfo=dict(classes=classes))
train_dataloader = dict(dataset=_data)
test_dataloader = dict(dataset=_data)
model = dict(roi_head=dict(bbox_head=dict(num_classes=3)))
train_cfg = dict(max_iters=1000)  # 10 epochs
_base_.param_scheduler[1].milestones = [750]
