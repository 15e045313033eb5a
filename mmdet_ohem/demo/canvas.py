"""Photographs of the embedded dataset, and drawing on them.

Training and test scenes share no pixel of a photograph: training crops come
from the left 62 % of each, test crops from the right 38 %.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from .glyphs import Split, ink

# Colour photographs inside scikit-image's wheel that show no digits.
_PHOTOGRAPHS = (
    'astronaut.png', 'chelsea.png', 'coffee.png', 'rocket.jpg', 'ihc.png',
    'hubble_deep_field.jpg', 'retina.jpg', 'motorcycle_left.png',
    'gravel.png', 'grass.png', 'brick.png',
)  # fmt: skip
_TRAIN_SHARE = 0.62

HEIGHT_RANGE = (20, 80)  # of a mark, in pixels
_GAP = 2  # pixels between two marks


@lru_cache
def load_photographs(split: Split) -> tuple[np.ndarray, ...]:
    """Return the split's part of each photograph, ``(h, w, 3)`` BGR."""
    import skimage.data

    folder = Path(skimage.data.__file__).parent
    parts = []
    for name in _PHOTOGRAPHS:
        photo = cv2.imread(str(folder / name))
        if photo is None:
            raise FileNotFoundError(
                f'photograph {name} is not in {folder}; install the '
                'scikit-image wheel: pip install scikit-image'
            )
        edge = int(photo.shape[1] * _TRAIN_SHARE)
        parts.append(photo[:, :edge] if split == 'train' else photo[:, edge:])
    return tuple(parts)


def crop_photograph(
    rng: np.random.Generator, split: Split, size: tuple[int, int]
) -> np.ndarray:
    """Return a random crop ``(h, w, 3)`` uint8 scaled to `size` (w, h)."""
    photos = load_photographs(split)
    photo = photos[rng.integers(len(photos))]
    height, width = photo.shape[:2]
    largest = min(width / size[0], height / size[1])
    scale = largest * rng.uniform(0.6, 1.0)
    w, h = int(size[0] * scale), int(size[1] * scale)
    x = rng.integers(width - w + 1)
    y = rng.integers(height - h + 1)
    crop = photo[y : y + h, x : x + w]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    crop = cv2.resize(crop, size, interpolation=how).astype(np.float32)
    # A little less contrast, so that ink stands out from any texture.
    mean = crop.mean()
    dimmed = mean + rng.uniform(0.6, 0.9) * (crop - mean)
    return np.clip(dimmed, 0, 255).astype(np.uint8)


class Canvas:
    """A picture in the making, which knows where it is still free.

    Args:
        image: ``(H, W, 3)`` uint8 background; drawn on.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self._taken = np.zeros(image.shape[:2], bool)

    def place(
        self, rng: np.random.Generator, pattern: np.ndarray, height: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Draw a pattern in a free spot.

        A mark that finds no room is tried again a fifth smaller, down to the
        smallest height.

        Returns:
            Its box ``(4,)`` int64, xyxy edges, and alpha ``(h, w)``; None: no
            room.
        """
        angle, shear = rng.uniform(-10, 10), rng.uniform(-0.15, 0.15)
        while height >= HEIGHT_RANGE[0]:
            alpha = ink(pattern, height, angle, shear)
            h, w = alpha.shape
            for _ in range(40):
                x = int(rng.integers(1, max(2, self.image.shape[1] - w)))
                y = int(rng.integers(1, max(2, self.image.shape[0] - h)))
                if self._free(x, y, w, h):
                    self._draw(rng, alpha, x, y)
                    box = np.array([x, y, x + w, y + h])
                    return box, alpha
            height = int(height * 0.8)
        return None

    def _free(self, x: int, y: int, w: int, h: int) -> bool:
        """Tell whether a box and a gap around it hold no mark."""
        if x + w >= self.image.shape[1] or y + h >= self.image.shape[0]:
            return False
        window = self._taken[
            max(0, y - _GAP) : y + h + _GAP, max(0, x - _GAP) : x + w + _GAP
        ]
        return not window.any()

    def _draw(
        self, rng: np.random.Generator, alpha: np.ndarray, x: int, y: int
    ) -> None:
        """Draw strokes ``(h, w)`` in a contrasting ink and take the spot."""
        h, w = alpha.shape
        window = self.image[y : y + h, x : x + w]
        colour = ink_colour(rng, window.reshape(-1, 3))
        weight = (alpha * rng.uniform(0.85, 1.0))[..., None]
        window[:] = np.rint(window * (1 - weight) + colour * weight)
        self._taken[y : y + h, x : x + w] = True


def ink_colour(rng: np.random.Generator, under: np.ndarray) -> np.ndarray:
    """Return a BGR colour ``(3,)`` that stands out from ``(K, 3)`` pixels.

    The first of 40 random colours that differs in luminance by 80 levels from
    nine pixels out of ten; else the best of them.
    """
    weights = np.array([0.114, 0.587, 0.299])
    colours = rng.integers(0, 256, (40, 3))
    gap = np.abs((colours @ weights)[:, None] - under @ weights)
    contrast = np.percentile(gap, 10, axis=1)
    best = np.flatnonzero(contrast >= min(80, contrast.max()))[0]
    return colours[best]
