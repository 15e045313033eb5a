# As fast_rcnn_vgg16_ohem_ms_vote_voc07.py, at scales in the same proportion to
# the demo's images: 0.32 of VOC's.
_base_ = './fast_rcnn_vgg16_ohem_demo.py'

_base_.train_resize.scales = [(320, x) for x in (154, 184, 220, 276, 288)]
_base_.train_dataloader.dataset.pipeline[3].transforms[1] = _base_.train_resize
_views = _base_.tta_pipeline[2].transforms[0]
for _view, _side in zip(
        _views, (154, 184, 220, 276, 320), strict=True):
    _view.transforms[0].scale = (320, _side)
test_cfg = dict(type='mmdet_ohem.MultiScaleTestLoop')
_base_.custom_hooks.append(dict(type='mmdet_ohem.IterativeBBoxVotingHook'))
