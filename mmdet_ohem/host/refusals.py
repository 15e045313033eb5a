"""What is refused, and what the error says.

Relies on names of mmdet 3.3.0: of RoI heads that sample in another way, of
the attributes ``roi_head``, ``bbox_sampler``, ``bbox_head`` and
``_bbox_forward``, and of the methods that turn RoIs into detections.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.roi_heads.base_roi_head import BaseRoIHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmengine.config import Config
from mmengine.model import BaseTTAModel, is_model_wrapper

_KIN = '(Fast, Faster, Mask, Cascade R-CNN and their kin)'


class Purpose(Enum):
    """What a detector, a RoI head or a config is needed for.

    Each has the parts that it needs, with dots between them, and what the
    error says where one is missing: after the name of the thing, and with the
    names of the missing parts at ``{}``.
    """

    MINING = (
        ('bbox_head', '_bbox_forward'),
        ' has no {}: OHEM mines the RoIs of a two-stage detector. Put the '
        'sampler into train_cfg.rcnn.sampler of a RoI head with a box head, '
        'and keep a RandomSampler for an RPN or one-stage head',
    )
    BOX_VOTING = (
        ('roi_head',),
        ' has no {}. Iterative localisation and box voting are for two-stage '
        'detectors',
    )
    LOSS_OF_ALL_ROIS = (
        ('roi_head.bbox_sampler',),
        ' has no roi_head with a sampler: the loss over all RoIs is that of '
        f'a two-stage detector {_KIN}, built with its train_cfg',
    )
    LOSSES_OF_A_RUN = (
        ('roi_head', 'train_cfg.rcnn'),
        ' has no roi_head with a train_cfg.rcnn, so it has no loss over '
        f'RoIs. Remedy: give runs of two-stage detectors {_KIN}',
    )
    REPORTING = (
        ('roi_head.bbox_sampler',),
        ' has no {} to report on. Remedy: leave the hook out of custom_hooks',
    )
    BROWSING = (
        ('roi_head',),
        ' has no {}. Hard examples are RoIs: give the config of a two-stage '
        f'detector {_KIN}',
    )
    BROWSING_A_TRAINING = (
        ('train_cfg.rcnn',),
        ': roi_head has no sampler. Give the config that the detector was '
        'trained by, with model.train_cfg.rcnn',
    )


# RoI heads of mmdet that sample in another way, and what to do instead.
_SAMPLES_ITSELF = {
    'SparseRoIHead': 'matches queries to objects one to one, there are no '
    'RoIs to choose from. Keep its PseudoSampler',
    'MultiInstanceRoIHead': 'trains pairs of boxes for each proposal and '
    'hands its sampler no features to score them with. Keep its '
    'MultiInsRandomSampler',
    'PISARoIHead': 'weights RoIs with its own ScoreHLRSampler and runs with '
    "no other. Use OHEM with roi_head.type='StandardRoIHead', or keep PISA",
}

# What makes boxes and scores out of RoIs; a class that does it in its own way
# is refused, since ours would take its place.
_PREDICTS = ((StandardRoIHead, 'predict_bbox'), (BaseRoIHead, 'predict'))
_DECODES = (
    (BBoxHead, 'predict_by_feat'),
    (BBoxHead, '_predict_by_feat_single'),
)


def check(thing: Any, purpose: Purpose, name: str | None = None) -> None:
    """Refuse, by name, what lacks a part that is needed.

    Args:
        thing: A detector, a RoI head, or the config of one.
        purpose: What it is needed for.
        name: How the error calls it; its class by default.

    Raises:
        TypeError: It lacks something; the message says what to do instead.
    """
    parts, says = purpose.value
    missing = [part for part in parts if not _part_of(thing, part)]
    if missing:
        name = type(thing).__name__ if name is None else name
        raise TypeError(name + says.format(' and no '.join(missing)))


def check_config(config: Config, *purposes: Purpose) -> None:
    """Refuse a config whose detector is not of the kind that is needed.

    Args:
        config: A whole config.
        purposes: What it is needed for.

    Raises:
        TypeError: Its model lacks something; the message names the file.
    """
    model = config.get('model', {})
    for purpose in purposes:
        check(model, purpose, f'{config.filename}: {model.get("type")}')


def check_roi_head(roi_head: Any) -> None:
    """Refuse what OHEM cannot score, by name.

    Args:
        roi_head: What mmdet passes to a sampler as its context.

    Raises:
        TypeError: It has no RoIs to choose from, or its own way to choose.
            The message says what to do instead.
    """
    for base in type(roi_head).__mro__:
        if base.__name__ in _SAMPLES_ITSELF:
            raise TypeError(
                f'{type(roi_head).__name__} {_SAMPLES_ITSELF[base.__name__]}'
            )
    check(roi_head, Purpose.MINING)


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
    check(detector, Purpose.BOX_VOTING)
    roi_head = detector.roi_head
    _check_methods(roi_head, _PREDICTS)
    _check_methods(roi_head.bbox_head, _DECODES)
    if roi_head.with_mask and not masks:
        raise TypeError(
            f'{type(roi_head).__name__} has a mask_head, which would predict '
            'a mask for each of thousands of candidates. Remedy: a detector '
            'without mask_head, or one view'
        )
    return detector


def _part_of(thing: Any, path: str) -> Any:
    """A part of a module or config, None where there is none."""
    for name in path.split('.'):
        if isinstance(thing, Mapping):
            thing = thing.get(name)
        else:
            thing = getattr(thing, name, None)
    return thing


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
