"""Which models iterative localisation and box voting can serve."""

from typing import Any

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmengine.model import BaseTTAModel, is_model_wrapper

# What makes boxes and scores out of RoIs; a class that does it in its own way
# is refused, since ours would take its place.
_PREDICTS = (
    (StandardRoIHead, 'predict_bbox'),
    (BaseRoIHead, 'predict'),
)
_DECODES = (
    (BBoxHead, 'predict_by_feat'),
    (BBoxHead, '_predict_by_feat_single'),
)


def check_model(model: Any) -> Any:
    """Refuse, by name, a model that cannot detect with box voting.

    Args:
        model: A detector, a TTA model, or a wrapper of one.

    Returns:
        The model without wrappers.

    Raises:
        TypeError: The model cannot be served.
    """
    while is_model_wrapper(model):
        model = model.module
    if not isinstance(model, BaseTTAModel):
        return check_detector(model)
    if not (
        hasattr(model, 'localization') and hasattr(model, 'voting_iou_thr')
    ):
        raise TypeError(
            f'{type(model).__name__} merges detections after the NMS of each '
            'view, when the candidates that vote are gone. Remedy: '
            "tta_model = dict(type='mmdet_ohem.MultiScaleTTAModel')"
        )
    check_detector(model.module, masks=False)
    return model


def check_detector(detector: Any, masks: bool = True) -> Any:
    """Refuse, by name, a detector whose boxes do not come as expected.

    Args:
        detector: A detector, not wrapped.
        masks: Whether it may have a mask head.

    Returns:
        The detector.

    Raises:
        TypeError: It has no ``StandardRoIHead`` with a ``BBoxHead``, or one
            that was given another way to predict boxes.
    """
    roi_head = getattr(detector, 'roi_head', None)
    if roi_head is None:
        raise TypeError(
            f'{type(detector).__name__} has no roi_head. Iterative '
            'localisation and box voting are for two-stage detectors'
        )
    _check_methods(roi_head, _PREDICTS)
    _check_methods(roi_head.bbox_head, _DECODES)
    if roi_head.with_mask and not masks:
        raise TypeError(
            f'{type(roi_head).__name__} has a mask_head, which would predict '
            'a mask for each of thousands of candidates. Remedy: a detector '
            'without mask_head, or one view'
        )
    return detector


def _check_methods(head: Any, methods: tuple[tuple[type, str], ...]) -> None:
    """Refuse a head that has not inherited these methods."""
    for owner, name in methods:
        if getattr(type(head), name, None) is not getattr(owner, name):
            raise TypeError(
                f'{type(head).__name__} does not use {owner.__name__}.{name}, '
                'which iterative localisation and box voting take the place '
                'of. They serve StandardRoIHead and its kin with a BBoxHead, '
                'not cascades, sparse heads, SABL, Grid R-CNN or Trident'
            )
