"""Images with their objects and the proposals that cover them."""

from pathlib import Path

import cv2
import numpy as np

from mmdet_ohem.coverage.coverage import ImageCoverage
from mmdet_ohem.host.files import replacing

# BGR; told apart also by those who see no difference of red and green.
_OBJECT, _GOOD, _BAD = (60, 235, 255), (233, 180, 86), (30, 110, 255)
_COVERED = 0.5
#: Smaller images are enlarged until their shorter side has as many pixels.
_MIN_SIDE = 480


def draw_covered(
    pixels: np.ndarray,
    objects: np.ndarray,
    boxes: np.ndarray,
    coverage: ImageCoverage,
) -> np.ndarray:
    """Draw each object and the proposal that overlaps it most.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        objects: (G, 4) xyxy edges.
        boxes: Proposals, (R, 4) xyxy edges.
        coverage: Of this image.

    Returns:
        A picture; objects are yellow, proposals blue from an IoU of .5 on and
        orange below, with the IoU beside them.
    """
    picture, scale = _enlarged(pixels)
    for box in objects:
        _rectangle(picture, box * scale, _OBJECT, 3)
    for row, iou in zip(coverage.best_rows, coverage.best_ious, strict=True):
        if row < 0:
            continue
        color = _GOOD if iou >= _COVERED else _BAD
        box = boxes[row] * scale
        _rectangle(picture, box, color, 2)
        _write(picture, f'{iou:.2f}', box, color)
    return picture


def draw_boxes(pixels: np.ndarray, boxes: np.ndarray, num: int) -> np.ndarray:
    """Draw some proposals of an image without objects.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        boxes: Proposals, (R, 4) xyxy edges.
        num: How many are drawn at the most, spread evenly over their order.

    Returns:
        A picture.
    """
    picture, scale = _enlarged(pixels)
    step = max(1, len(boxes) // num)
    for box in boxes[::step][:num]:
        _rectangle(picture, box * scale, _GOOD, 1)
    return picture


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write a PNG in one step.

    Args:
        path: The file; folders that are missing are made.
        picture: (H, W, 3) uint8, BGR.

    Raises:
        OSError: It cannot be written; the error names it.
    """
    _, data = cv2.imencode('.png', picture)
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())


def _enlarged(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    scale = max(1.0, _MIN_SIDE / min(pixels.shape[:2]))
    size = tuple(round(side * scale) for side in pixels.shape[1::-1])
    return cv2.resize(pixels, size), scale


def _rectangle(
    picture: np.ndarray,
    box: np.ndarray,
    color: tuple[int, int, int],
    thickness: int,
) -> None:
    x1, y1, x2, y2 = (round(float(side)) for side in box)
    # Edges: the last pixel is one before.
    cv2.rectangle(picture, (x1, y1), (x2 - 1, y2 - 1), color, thickness)


def _write(
    picture: np.ndarray,
    text: str,
    box: np.ndarray,
    color: tuple[int, int, int],
) -> None:
    """Write into a box, legible on any ground."""
    x, y = round(float(box[0])) + 3, round(float(box[1])) + 16
    where, font = (x, min(y, picture.shape[0] - 4)), cv2.FONT_HERSHEY_SIMPLEX
    for shade, width in (((0, 0, 0), 3), (color, 1)):
        cv2.putText(picture, text, where, font, 0.5, shade, width, cv2.LINE_AA)
