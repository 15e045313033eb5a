"""Where to write beside boxes, so that no label covers another.

Shapes: ``N`` boxes or labels; all are xyxy in pixels.
"""

import numpy as np


def place_labels(
    boxes: np.ndarray, sizes: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Find a place at a corner of each box, the first box first.

    Of the places outside and inside the corners, in this order, the first one
    that covers no label placed before is taken; where there is none, the one
    that covers least.

    Args:
        boxes: Shape (N, 4).
        sizes: Width and height of each label, shape (N, 2).
        width: Of the picture; labels are moved into it.
        height: Of the picture.

    Returns:
        The labels as boxes, shape (N, 4).
    """
    placed = np.empty((0, 4))
    for box, size in zip(boxes, sizes, strict=True):
        places = _places(box, size)
        # Where a label is larger than the picture, its beginning is shown.
        limit = np.maximum(np.array([width, height]) - size, 0)
        places = places.clip(0, limit)
        places = np.concatenate([places, places + size], 1)
        covered = _overlap_areas(places, placed).sum(1)
        placed = np.concatenate([placed, places[[covered.argmin()]]])
    return placed


def _places(box: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Top left corners of a label, outside and inside the box, (8, 2)."""
    (x1, y1, x2, y2), (w, h) = box, size
    outside = [(x1, y1 - h), (x2 - w, y1 - h), (x1, y2), (x2 - w, y2)]
    inside = [(x1, y1), (x2 - w, y2 - h), (x2 - w, y1), (x1, y2 - h)]
    return np.array(outside + inside)


def _overlap_areas(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Area that each of ``a`` (N, 4) shares with each of ``b`` (M, 4)."""
    corner = np.maximum(a[:, None, :2], b[None, :, :2])
    opposite = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return (opposite - corner).clip(0).prod(2)
