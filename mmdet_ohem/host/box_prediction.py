"""How a RoI head predicts boxes, and how it is made to predict others.

Relies on ``StandardRoIHead.predict`` of mmdet 3.3.0 predicting boxes by
``predict_bbox``, which without ``rcnn_test_cfg`` returns what stands before
score threshold and NMS.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import MethodType
from typing import Any

from mmdet.models.roi_heads import StandardRoIHead
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.host.patching import replaced


def predict_raw(
    roi_head: Any,
    feats: Sequence[Tensor],
    img_metas: list[dict],
    proposals: list[InstanceData],
    rescale: bool = False,
) -> list[InstanceData]:
    """What the box head says of each RoI and class, before any NMS.

    Args:
        roi_head: A ``StandardRoIHead``, also one that is made to predict in
            another way by :func:`predicting_boxes_by`.
        feats: Features of the images, one tensor (N, C, H, W) a level.
        img_metas: Of each image.
        proposals: Of each image, ``bboxes``.
        rescale: Whether boxes are in the frame of the original image.

    Returns:
        Of each image ``bboxes``, (R, classes * 4) or, of a class-agnostic
        head, (R, 4); and ``scores``, (R, classes + 1), background last.
    """
    # The class's own method: the instance's may be replaced.
    return StandardRoIHead.predict_bbox(
        roi_head, feats, img_metas, proposals, None, rescale
    )


def predicting_boxes_by(
    roi_head: Any, predict: Callable[..., list[InstanceData]]
) -> AbstractContextManager[None]:
    """Inside, a RoI head predicts boxes by a function.

    Args:
        roi_head: A ``StandardRoIHead``.
        predict: Stands in for ``StandardRoIHead.predict_bbox``, with the RoI
            head as its first argument. A copy of the head that is made inside
            passes itself.
    """
    return replaced(roi_head, predict_bbox=MethodType(predict, roi_head))
