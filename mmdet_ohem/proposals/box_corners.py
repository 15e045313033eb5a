"""Pixels that belong to a box, and the edges around them.

Inside the package every box is ``(x1, y1, x2, y2)`` **edges**: the first
pixel starts at 0, and x2 and y2 are where the last pixel ends. VOC, Caffe and
the authors' files name the last pixel itself instead, so that a box one pixel
wide has x1 == x2: these corners are **inclusive**. They become edges once, at
loading, and inclusive corners again once, at output.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

CORNERS = ('edges', 'inclusive')


def check_corners(corners: str | None) -> None:
    """Check a setting.

    Args:
        corners: Has to be one of ``CORNERS``, or None where nothing is said.

    Raises:
        ValueError: It is something else.
    """
    if corners not in (None, *CORNERS):
        raise ValueError(
            f'corners are {corners!r}, expected one of {CORNERS}: edges when '
            'a box one pixel wide has x2 = x1 + 1, inclusive when it has '
            'x2 = x1'
        )


def holds_edges(dataset_meta: Mapping[str, Any] | None) -> bool:
    """Whether a data set's boxes are edges, by its meta information.

    Args:
        dataset_meta: As mmengine gives it to a metric. Our data sets have
            ``corners='edges'`` in it; one without this word is mmdet's, whose
            VOC boxes are inclusive.

    Returns:
        Whether the ground truth, and so the detections, are edges.
    """
    return (dataset_meta or {}).get('corners') == 'edges'


def to_edges(boxes: np.ndarray) -> np.ndarray:
    """Turn inclusive corners into edges.

    Args:
        boxes: xyxy, whatever follows, shape (n, 4 or more), pixels counted
            from 0.

    Returns:
        A copy in which x2 and y2 are one more.
    """
    return _shifted(boxes, 1)


def to_inclusive(boxes: np.ndarray) -> np.ndarray:
    """Turn edges into inclusive corners.

    Args:
        boxes: xyxy edges, whatever follows, shape (n, 4 or more).

    Returns:
        A copy in which x2 and y2 are one less.
    """
    return _shifted(boxes, -1)


def _shifted(boxes: np.ndarray, by: int) -> np.ndarray:
    shifted = boxes.copy()
    shifted[:, 2:4] += by
    return shifted
