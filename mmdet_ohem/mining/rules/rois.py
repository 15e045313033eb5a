"""What a mining rule may know of the RoIs of one image.

Shapes: ``R`` RoIs, ``C`` classes. Boxes are xyxy edges in pixels of the
resized image. RoIs stand in the order of the proposals, ground truth first
where it is among them. RoIs that the assigner ignores are not here.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mmdet_ohem.mining.roi_loss import RoILosses


@dataclass(frozen=True)
class RoIs:
    """The RoIs of one image and what the assigner says of them.

    Attributes:
        boxes: Shape (R, 4).
        labels: Class of each foreground RoI, -1 for background, shape (R,),
            int64.
        gt_inds: Which object of the image a foreground RoI belongs to, -1
            for background, shape (R,), int64.
        gt_boxes: The box of that object, zeros for background, shape (R, 4).
        max_overlaps: Largest IoU with an object, shape (R,); None where the
            assigner computes no IoU.
    """

    boxes: Tensor
    labels: Tensor
    gt_inds: Tensor
    gt_boxes: Tensor
    max_overlaps: Tensor | None

    def __len__(self) -> int:
        """R."""
        return len(self.labels)

    @cached_property
    def is_fg(self) -> Tensor:
        """Whether each RoI is foreground, shape (R,), bool."""
        return self.labels >= 0


@dataclass(frozen=True)
class ScoredRoIs(RoIs):
    """RoIs with their losses by the network as it is now.

    Attributes:
        losses: Classification and localisation, each of shape (R,).
    """

    losses: RoILosses

    @cached_property
    def is_finite(self) -> Tensor:
        """Whether the loss of each RoI is finite, shape (R,), bool."""
        return self.losses.total.isfinite()


@dataclass(frozen=True)
class PredictedRoIs(ScoredRoIs):
    """RoIs with their losses and with what the network predicts.

    Attributes:
        scores: Probability of each class, background last, shape (R, C + 1).
        refined_boxes: The box that the network makes of each RoI, shape
            (R, 4): for its own class, or for the best class of a background
            RoI.
    """

    scores: Tensor
    refined_boxes: Tensor


def no_rois(kind: type[RoIs]) -> RoIs:
    """An image without RoIs, of one class.

    Args:
        kind: :class:`RoIs` or one of its subclasses.

    Returns:
        R = 0 RoIs.
    """
    none, index = torch.empty(0), torch.empty(0, dtype=torch.long)
    boxes = torch.empty(0, 4)
    known: dict[str, Any] = dict(
        boxes=boxes,
        labels=index,
        gt_inds=index,
        gt_boxes=boxes,
        max_overlaps=none,
        losses=RoILosses(none, none),
        scores=torch.empty(0, 2),
        refined_boxes=boxes,
    )
    names = kind.__dataclass_fields__
    return kind(**{name: known[name] for name in names})
