"""Guesses what boxes are that are not xyxy in pixels of the image."""

from collections.abc import Sequence

import numpy as np

# A file is called something else only if that explains it better: shares of
# boxes, or of images, that do not fit as they are, and that do otherwise.
_SHARE_WRONG = 0.5
_SHARE_RIGHT = 0.99
# Of the authors' boxes, as x, y, width and height, 92 and 94 % are.
_SHARE_BACKWARD = 2 / 3
# Rounding, and corners that name the last pixel.
_MARGIN = 1.5


def guess_layout(
    boxes: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]]
) -> str | None:
    """Recognise the usual mistakes.

    Args:
        boxes: What should be xyxy edges in pixels, (n, 4), one array an
            image.
        sizes: Width and height of each image, pixels; images of which one is
            0 are left out.

    Returns:
        What the boxes seem to be, to be put after "they look like"; None if
        they may well be xyxy.
    """
    pairs = [
        (np.asarray(x, np.float64), size)
        for x, size in zip(boxes, sizes, strict=True)
        if len(x) and min(size) > 0
    ]
    if not pairs:
        return None
    # Numbers so large that sums overflow are no boxes either.
    pairs = [(np.nan_to_num(x).clip(-1e9, 1e9), size) for x, size in pairs]
    stacked = np.concatenate([x for x, _ in pairs])
    limits = np.concatenate([np.tile(size, (len(x), 1)) for x, size in pairs])
    if _are_fractions(stacked, limits):
        return 'fractions of the image, from 0 to 1'
    if _are_sizes(stacked, limits):
        return '(x, y, width, height)'
    if _are_transposed(pairs):
        return '(y1, x1, y2, x2)'
    return None


def _are_fractions(boxes: np.ndarray, limits: np.ndarray) -> bool:
    """Whether no box leaves the first pixel, in images of many."""
    inside = bool((abs(boxes) <= 1).all() and (limits > 2).all())
    # Boxes of the first pixel itself are whole numbers.
    return inside and bool((boxes != boxes.round()).any())


def _are_sizes(boxes: np.ndarray, limits: np.ndarray) -> bool:
    """Whether the last two numbers are sizes."""
    # Not those that are as long as 0: such boxes occur in any layout.
    backward = (boxes[:, 2:] < boxes[:, :2]).any(1)
    ends = boxes[:, :2] + boxes[:, 2:]
    fits = (boxes >= -_MARGIN).all(1) & (ends <= limits + _MARGIN).all(1)
    return backward.mean() >= _SHARE_BACKWARD and fits.mean() >= _SHARE_RIGHT


def _are_transposed(
    pairs: Sequence[tuple[np.ndarray, tuple[int, int]]],
) -> bool:
    """Whether x and y are exchanged; square images do not tell."""
    wrong, explained, total = 0, 0, 0
    for boxes, (width, height) in pairs:
        if width == height:
            continue
        total += 1
        across, down = boxes[:, [0, 2]].max(), boxes[:, [1, 3]].max()
        if across > width + _MARGIN or down > height + _MARGIN:
            wrong += 1
            explained += bool(
                across <= height + _MARGIN and down <= width + _MARGIN
            )
    return (
        wrong > 0
        and wrong >= _SHARE_WRONG * total
        and explained >= _SHARE_RIGHT * wrong
    )
