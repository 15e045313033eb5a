"""Several RoI heads that share the weights of one detector.

Relies on these of mmdet 3.3.0: ``StandardRoIHead`` needs no more than its two
parts and ``train_cfg`` set before ``init_assigner_sampler``, and a two-stage
detector looks its attribute ``roi_head`` up at each pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmdet.models.roi_heads import StandardRoIHead
from mmengine.config import ConfigDict


def twin(
    roi_head: StandardRoIHead,
    train_cfg: ConfigDict,
    kind: type[StandardRoIHead] = StandardRoIHead,
) -> Any:
    """A RoI head made of the very modules of another one.

    Args:
        roi_head: Has no mask head; left as it is.
        train_cfg: ``train_cfg.rcnn`` of the new one.
        kind: Its class.

    Returns:
        The new head, in training mode where the other one is.
    """
    made = kind(test_cfg=roi_head.test_cfg)
    made.bbox_roi_extractor = roi_head.bbox_roi_extractor
    made.bbox_head = roi_head.bbox_head
    made.train_cfg = train_cfg
    made.init_assigner_sampler()
    return made.train(roi_head.training)


@contextmanager
def with_roi_head(detector: Any, roi_head: Any) -> Iterator[None]:
    """Inside, a detector has another RoI head; afterwards its own.

    Args:
        detector: A two-stage detector.
        roi_head: Such as a :func:`twin` of its RoI head.
    """
    before = detector.roi_head
    detector.roi_head = roi_head
    try:
        yield
    finally:
        detector.roi_head = before
