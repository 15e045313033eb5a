"""What a box head of mmdet predicts of each RoI, in plain terms.

Relies on mmdet 3.3.0: ``BBoxHead`` predicts ``cls_score``
(R, C + 1) and ``bbox_pred`` (R, 4 C) or, class-agnostic, (R, 4); its
``predict_by_feat`` takes the softmax of the scores, or
``loss_cls.get_activation`` where the loss has scores of its own
(``custom_cls_channels``, as Seesaw loss).
"""

from typing import Any

import torch
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor


def probabilities(bbox_head: Any, cls_score: Tensor) -> Tensor:
    """Probability of each class.

    Args:
        bbox_head: A box head.
        cls_score: What it predicts.

    Returns:
        Background last, shape (R, C + 1), float32.
    """
    if getattr(bbox_head, 'custom_cls_channels', False):
        return bbox_head.loss_cls.get_activation(cls_score).float()
    return cls_score.float().softmax(-1)


def predicts_deltas(bbox_head: Any, bbox_pred: Any) -> bool:
    """Whether a box head says how each RoI moves; SABL's does not.

    Args:
        bbox_head: A box head.
        bbox_pred: What it predicts of RoIs.
    """
    return isinstance(bbox_pred, Tensor) and hasattr(bbox_head, 'bbox_coder')


def refined_boxes(
    bbox_head: Any, priors: Tensor, bbox_pred: Any, labels: Tensor
) -> Tensor:
    """The box that the network makes of each RoI.

    Args:
        bbox_head: A box head.
        priors: The RoIs, xyxy, shape (R, 4).
        bbox_pred: What it predicts of them.
        labels: For which class, shape (R,).

    Returns:
        xyxy in pixels of the resized image, shape (R, 4).

    Raises:
        TypeError: The head predicts no deltas of boxes, as SABL does not.
    """
    if not predicts_deltas(bbox_head, bbox_pred):
        raise TypeError(
            f'{type(bbox_head).__name__} predicts no box deltas, which this '
            'mining rule needs. Remedy: a rule that ranks by losses, such as '
            "'ohem', or a BBoxHead"
        )
    deltas = bbox_pred
    if not bbox_head.reg_class_agnostic:
        rows = torch.arange(len(labels), device=labels.device)
        deltas = bbox_pred.view(len(labels), bbox_head.num_classes, 4)
        deltas = deltas[rows, labels]
    return get_box_tensor(bbox_head.bbox_coder.decode(priors, deltas))
