"""What became of the RoIs of one image."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class MiningRecord:
    """What :class:`~mmdet_ohem.OHEMSampler` made of the RoIs of one image.

    R RoIs that were candidates (the assigner ignored none of them), in the
    order of the proposals, ground truth first where it is among them.

    Attributes:
        boxes: xyxy in pixels of the resized image, shape (R, 4).
        losses: Loss of each RoI, shape (R,), float32.
        labels: Class of each foreground RoI, -1 for background, shape (R,).
        max_overlaps: Largest IoU with the ground truth, shape (R,); None
            where the assigner computes none.
        kept: Indices of the RoIs that the NMS left, by descending loss.
        hard: The first of ``kept``, which are trained on.
    """

    boxes: Tensor
    losses: Tensor
    labels: Tensor
    max_overlaps: Tensor | None
    kept: Tensor
    hard: Tensor
