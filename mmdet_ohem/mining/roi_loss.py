"""From a box head's loss dictionary to one number per RoI.

Shapes: ``R`` RoIs, the ``P`` foreground ones first.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from torch import Tensor

from mmdet_ohem.counts import Count


class RoILosses(NamedTuple):
    """The loss of each RoI, before averaging.

    Attributes:
        cls: Classification, shape (R,), float32.
        loc: Localisation, zero for background, shape (R,), float32.
    """

    cls: Tensor
    loc: Tensor

    @property
    def total(self) -> Tensor:
        """What OHEM ranks by, shape (R,)."""
        return self.cls + self.loc


def head_losses_per_roi(
    bbox_head: Any,
    cls_score: Any,
    bbox_pred: Any,
    rois: Tensor,
    result: SamplingResult,
    train_cfg: Any,
) -> RoILosses:
    """Losses of the RoIs of one image by a box head's own loss functions.

    Args:
        bbox_head: A box head of mmdet.
        cls_score: Its class scores of the RoIs.
        bbox_pred: Its box deltas of the RoIs.
        rois: (image index, x1, y1, x2, y2) in pixels, shape (R, 5).
        result: What the RoIs were assigned to.
        train_cfg: ``train_cfg.rcnn`` of the head.

    Returns:
        Classification and localisation of each RoI.

    Raises:
        TypeError: A loss cannot be split into RoIs.
    """
    losses = bbox_head.loss_and_target(
        cls_score,
        bbox_pred,
        rois,
        [result],
        train_cfg,
        reduction_override='none',
    )['loss_bbox']
    return losses_per_roi(losses, len(rois), len(result.pos_inds))


def no_losses(device: torch.device) -> RoILosses:
    """Losses of an image without RoIs.

    Args:
        device: Where they are.
    """
    none = torch.zeros(0, device=device)
    return RoILosses(none, none)


def losses_per_roi(
    losses: Mapping[str, Tensor], num_rois: int, num_pos: int
) -> RoILosses:
    """Add up the losses of each RoI.

    mmdet's loss functions, asked not to reduce, return a number per RoI, per
    RoI and class, or per foreground RoI and coordinate, and SABL's one per
    RoI and box side. All of them are summed over everything but the RoI.

    Args:
        losses: What ``bbox_head.loss(..., reduction_override='none')``
            returns. As in mmengine, the keys that contain 'loss' are losses;
            of these, the ones that contain 'bbox' are localisation.
        num_rois: R.
        num_pos: P; rows 0 to P - 1 are the foreground RoIs.

    Returns:
        Classification and localisation of each RoI.

    Raises:
        TypeError: A loss cannot be split into RoIs.
    """
    parts: dict[str, list[Tensor]] = dict(cls=[], loc=[])
    for name, value in losses.items():
        if 'loss' in name:
            part = 'loc' if 'bbox' in name else 'cls'
            parts[part].append(_split(name, value, num_rois, num_pos))
    found = parts['cls'] + parts['loc']
    if not found:
        raise TypeError(
            f'the box head returned no loss, only {sorted(losses)}; OHEM '
            'ranks RoIs by their loss'
        )
    zeros = torch.zeros_like(found[0])
    return RoILosses(sum(parts['cls'], zeros), sum(parts['loc'], zeros))


def _split(name: str, value: Tensor, num_rois: int, num_pos: int) -> Tensor:
    """Sum one loss tensor over all but its RoIs, shape (R,), float32."""
    value = value.float()
    if num_rois == 0:
        return value.new_zeros(0)
    rows = value.shape[0] if value.dim() else 0
    if rows == num_rois:
        return value.reshape(num_rois, -1).sum(1)
    if num_pos == 0 and value.numel() <= 1:
        # A loss over foreground alone is an empty sum without any of it.
        return value.new_zeros(num_rois)
    if rows == num_pos > 0:
        per_roi = value.new_zeros(num_rois)
        per_roi[:num_pos] = value.reshape(num_pos, -1).sum(1)
        return per_roi
    if rows > num_rois > 0 and rows % num_rois == 0:
        return value.reshape(num_rois, -1).sum(1)
    raise TypeError(
        f'{name!r} has shape {tuple(value.shape)} for {Count(num_rois):RoI} '
        'of '
        f'which {num_pos} are foreground: it cannot be split into RoIs. The '
        "loss function must honour reduction_override='none', as mmdet's do "
        '(CrossEntropyLoss, FocalLoss, GHMC, SeesawLoss, L1Loss, '
        'SmoothL1Loss, IoULoss and their kin)'
    )
