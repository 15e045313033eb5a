# The embedded dataset, trained by SGD as in the paper, not by AdamW.
_base_ = '../../../configs/fast_rcnn_vgg16_demo.py'

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005
    )
)
