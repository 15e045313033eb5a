# fast_rcnn_vgg16 for the 80 classes of COCO.
_base_ = './fast_rcnn_vgg16.py'

model = dict(
    roi_head=dict(
        # COCO's images are larger than VOC's.
        bbox_roi_extractor=dict(pixel=1.25),
        bbox_head=dict(num_classes=80)),
    # RoIs of which 0.7 lie in a crowd are neither foreground nor background.
    train_cfg=dict(
        rcnn=dict(
            assigner=dict(ignore_iof_thr=0.7, ignore_wrt_candidates=True))),
    # More than 100 an image do not count.
    test_cfg=dict(rcnn=dict(max_per_img=100)))
