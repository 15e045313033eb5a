"""Scenes of the embedded dataset: digits, decoys and bars on photographs.

A scene has 3 to 6 handwritten digits, 20 to 80 pixels tall, all annotated,
and 4 to 8 decoys of the same sizes and inks, none annotated. Decoys keep
clear of every object box, so a region on one has IoU 0 with the truth: the
hard background that the 2015 heuristic (``bg_lo=0.1``) never samples.

Training and test scenes share neither digits (see `glyphs.py`) nor
photographs' pixels (see `canvas.py`).

Boxes are ``(x1, y1, x2, y2)``, the edges around the ink in pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import HEIGHT_RANGE, Canvas, crop_photograph
from .glyphs import Split, draw_decoy, load_digit_set

MAX_COVERED = 0.35  # share of an object's box under something else
MIN_VISIBLE = 0.6  # share of an object's ink that stays in sight
_NUM_DIGITS = (3, 6)
#: The least and the most that are tried; there may be room for fewer.
NUM_DECOYS = (4, 8)
_OCCLUDED_SHARE = 0.4  # of the images; a few tries find no lawful place


@dataclass(frozen=True)
class Scene:
    """A picture and the truth about it.

    Attributes:
        image: ``(H, W, 3)`` uint8, BGR.
        boxes: ``(N, 4)`` int64, xyxy edges around each digit's ink as if
            nothing covered it.
        labels: ``(N,)`` int64, index in ``CLASSES``.
        covered: ``(N,)`` float64, share of the box under a bar or patch.
        visible: ``(N,)`` float64, share of the ink in sight.
        hard_background: ``(M, 4)`` int64, boxes of the decoys.
    """

    image: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    covered: np.ndarray
    visible: np.ndarray
    hard_background: np.ndarray


def render_scene(
    rng: np.random.Generator,
    split: Split,
    size: tuple[int, int] = (256, 192),
    num_decoys: tuple[int, int] = NUM_DECOYS,
) -> Scene:
    """Draw one scene.

    Digits come before decoys, and each group from large to small, so that
    large marks find room.

    Args:
        rng: The scene's own source of randomness.
        split: 'train' or 'test': which digits and photographs to use.
        size: Width and height in pixels.
        num_decoys: The least and the most.
    """
    digits = load_digit_set(split)
    canvas = Canvas(crop_photograph(rng, split, size))
    boxes, alphas, labels = [], [], []
    for height in _draw_heights(rng, _NUM_DIGITS, size):
        pattern, label = digits.draw(rng)
        placed = canvas.place(rng, pattern, height)
        if placed is not None:
            boxes.append(placed[0])
            alphas.append(placed[1])
            labels.append(label)
    decoys = []
    for height in _draw_heights(rng, num_decoys, size):
        placed = canvas.place(rng, draw_decoy(rng, digits), height)
        if placed is not None:
            decoys.append(placed[0])
    truth = np.array(boxes, np.int64).reshape(-1, 4)
    mask = np.zeros(canvas.image.shape[:2], bool)
    if boxes and rng.random() < _OCCLUDED_SHARE:
        mask = _find_occluder(rng, truth, alphas, mask.shape)
        _paint_occluder(rng, canvas.image, mask, split)
    covered, visible = cover_shares(truth, alphas, mask)
    return Scene(
        image=canvas.image,
        boxes=truth,
        labels=np.array(labels, np.int64),
        covered=covered,
        visible=visible,
        hard_background=np.array(decoys, np.int64).reshape(-1, 4),
    )


def _draw_heights(
    rng: np.random.Generator, num_range: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Return heights ``(N,)`` in pixels, log-uniform, large to small."""
    low, high = HEIGHT_RANGE
    num = rng.integers(num_range[0], num_range[1] + 1)
    heights = np.exp(rng.uniform(np.log(low), np.log(high + 1), num))
    return -np.sort(-np.minimum(heights, size[1] // 2).astype(np.int64))


def cover_shares(
    boxes: np.ndarray, alphas: list[np.ndarray], mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Measure how much of each object a mask hides.

    Args:
        boxes: ``(N, 4)`` xyxy edges.
        alphas: N alphas, each the size of its box.
        mask: ``(H, W)`` bool, True where something covers the picture.

    Returns:
        Shares ``(N,)`` of box area covered and of ink visible.
    """
    covered, visible = np.zeros(len(boxes)), np.ones(len(boxes))
    for i, ((x1, y1, x2, y2), alpha) in enumerate(
        zip(boxes, alphas, strict=True)
    ):
        window = mask[y1:y2, x1:x2]
        covered[i] = window.mean()
        visible[i] = (alpha * ~window).sum() / alpha.sum()
    return covered, visible


def _find_occluder(
    rng: np.random.Generator,
    boxes: np.ndarray,
    alphas: list[np.ndarray],
    shape: tuple[int, ...],
) -> np.ndarray:
    """Return the mask ``(H, W)`` of a bar or patch over one of the digits.

    It hides at least a tenth of that digit's box, and of no digit more than
    the bounds allow. Without such a mask in 20 tries it is empty.
    """
    target = int(rng.integers(len(boxes)))
    for _ in range(20):
        mask = _draw_occluder(rng, boxes[target], shape)
        covered, visible = cover_shares(boxes, alphas, mask)
        lawful = covered.max() <= MAX_COVERED and visible.min() >= MIN_VISIBLE
        if lawful and covered[target] >= 0.1:
            return mask
    return np.zeros(shape, bool)


def _draw_occluder(
    rng: np.random.Generator, box: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """Return the mask ``(H, W)`` of a random bar or patch near a box."""
    mask = np.zeros(shape, np.uint8)
    x1, y1, x2, y2 = (int(v) for v in box)
    w, h = x2 - x1, y2 - y1
    if rng.random() < 0.5:
        start = (x1 - w // 2, int(rng.integers(y1, y2)))
        end = (x2 - 1 + w // 2, int(rng.integers(y1, y2)))
        cv2.line(mask, start, end, 1, max(2, int(h * rng.uniform(0.1, 0.3))))
    else:
        # A rectangle around the pixel in one corner of the box.
        x, y = int(rng.choice((x1, x2 - 1))), int(rng.choice((y1, y2 - 1)))
        dx, dy = int(w * rng.uniform(0.3, 0.8)), int(h * rng.uniform(0.3, 0.8))
        cv2.rectangle(mask, (x - dx, y - dy), (x + dx, y + dy), 1, -1)
    return mask > 0


def _paint_occluder(
    rng: np.random.Generator, image: np.ndarray, mask: np.ndarray, split: Split
) -> None:
    """Fill a mask ``(H, W)`` with a plain colour or a piece of photograph."""
    if rng.random() < 0.5:
        image[mask] = rng.integers(0, 256, 3)
    else:
        size = (image.shape[1], image.shape[0])
        image[mask] = crop_photograph(rng, split, size)[mask]
