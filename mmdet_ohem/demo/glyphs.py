"""Marks of the embedded dataset: genuine digits and their decoys.

Every mark starts as a *pattern*, ``(8, 8)`` float32 ink in [0, 16], the
format of scikit-learn's ``load_digits``, and becomes strokes through the same
:func:`ink`. So a letter or a scrambled digit has the look of a digit's own
strokes, and only its shape tells them apart.

Distances decide what counts as a digit. Of the genuine patterns of each class,
the demo uses the 60 % that are nearest to their own class and furthest from
the others. It uses a decoy if this is further than :data:`MIN_DECOY_DISTANCE`
from *every* genuine pattern, even when shifted by up to a cell. (99 % of the
genuine patterns are nearer than 27 to another one.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from scipy.spatial.distance import cdist

CLASSES = (
    'zero', 'one', 'two', 'three', 'four',
    'five', 'six', 'seven', 'eight', 'nine',
)  # fmt: skip
Split = Literal['train', 'test']

# Below 33, people still read some scrambled digits as a 3, 5 or 8.
MIN_DECOY_DISTANCE = 34.0
_LEGIBLE_SHARE = 0.6
INK_THRESHOLD = 0.3  # alpha from which a pixel belongs to a mark's box

_FIRST_TEST_SAMPLE = 1200
# Mirrored, 0, 1 and 8 are themselves, 2 and 5 are each other, and people
# still read a 4.
_MIRRORABLE = (3, 6, 7, 9)
# Scrambled, 5 and 9 are like a 2, a 6 like a 9; 3, 4 and 8 fall to pieces.
_SCRAMBLABLE = (0, 1, 2, 7)
# No letter that is also a digit (O, I, Z, S, B, b, q, ...).
_LETTERS = 'AEFHKMNPRWXhkmnuw'
_CELL = 12  # pixels of a pattern's cell before the final resize


@dataclass(frozen=True)
class DigitSet:
    """Genuine digits that a human reads without doubt.

    Attributes:
        patterns: ``(K, 8, 8)`` float32.
        labels: ``(K,)`` int64, the digit.
        reference: ``(R, 64)`` float32, the genuine patterns of both splits:
            never drawn, they only tell what a decoy must not be like.
    """

    patterns: np.ndarray
    labels: np.ndarray
    reference: np.ndarray

    def draw(
        self, rng: np.random.Generator, among: Sequence[int] = range(10)
    ) -> tuple[np.ndarray, int]:
        """Return a ``(8, 8)`` pattern, classes equally likely, and its digit.

        Args:
            rng: Source of randomness.
            among: The digits to draw from.
        """
        digit = int(rng.choice(among))
        choice = rng.choice(np.flatnonzero(self.labels == digit))
        return self.patterns[choice], digit


@lru_cache
def load_digit_set(split: Split) -> DigitSet:
    """Return the genuine digits of a split; no sample is in both.

    Args:
        split: 'train' (the first 1200 samples) or 'test' (the others).
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    flat = bunch.data.astype(np.float32)
    labels = bunch.target.astype(np.int64)
    distance = cdist(flat, flat)
    same = labels[:, None] == labels
    # Sixth, since the first is the pattern itself.
    fifth_friend = np.sort(np.where(same, distance, np.inf), axis=1)[:, 5]
    first_stranger = np.where(same, np.inf, distance).min(axis=1)
    clarity = first_stranger / fifth_friend
    legible = np.zeros(len(labels), bool)
    for digit in range(len(CLASSES)):
        least = np.quantile(clarity[labels == digit], 1 - _LEGIBLE_SHARE)
        legible |= (labels == digit) & (clarity >= least)
    is_train = np.arange(len(labels)) < _FIRST_TEST_SAMPLE
    keep = legible & (is_train if split == 'train' else ~is_train)
    return DigitSet(flat[keep].reshape(-1, 8, 8), labels[keep], flat)


def digit_distance(pattern: np.ndarray, digits: DigitSet) -> float:
    """Return the least distance of a pattern, shifted, to a genuine digit.

    Args:
        pattern: ``(8, 8)`` ink.
        digits: The genuine digits.
    """
    padded = np.pad(pattern, 1)
    shifted = [
        padded[y : y + 8, x : x + 8].ravel()
        for y in range(3)
        for x in range(3)
    ]
    return float(cdist(np.stack(shifted), digits.reference).min())


def draw_decoy(rng: np.random.Generator, digits: DigitSet) -> np.ndarray:
    """Return a pattern ``(8, 8)`` that no one takes for a digit.

    Args:
        rng: Source of randomness.
        digits: Genuine digits, the material of mirrored and scrambled ones.
    """
    makers = (_letter, _mirrored, _scrambled, _doodle)
    make = makers[rng.choice(len(makers), p=(0.35, 0.25, 0.25, 0.15))]
    while True:
        pattern = make(rng, digits)
        # The cheap test first: few scrambled digits pass it.
        if not _is_one_piece(pattern):
            continue
        if digit_distance(pattern, digits) > MIN_DECOY_DISTANCE:
            return pattern


def _is_one_piece(pattern: np.ndarray) -> bool:
    """Tell whether nearly all ink of an ``(8, 8)`` pattern is connected.

    Pieces could be read one by one: a scrambled 1 is often two ones.
    """
    inked = (pattern > 6).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    return bool(areas.max(initial=0) >= 0.95 * inked.sum())


def _letter(rng: np.random.Generator, _: DigitSet) -> np.ndarray:
    """Return a Latin letter as a pattern."""
    fonts = (
        cv2.FONT_HERSHEY_SIMPLEX,
        cv2.FONT_HERSHEY_DUPLEX,
        cv2.FONT_HERSHEY_TRIPLEX,
    )
    canvas = np.zeros((128, 160), np.uint8)
    letter = _LETTERS[rng.integers(len(_LETTERS))]
    font = fonts[rng.integers(len(fonts))]
    thickness = int(rng.integers(7, 10))
    cv2.putText(canvas, letter, (40, 90), font, 2, 255, thickness, cv2.LINE_AA)
    return _to_pattern(canvas, width=int(rng.integers(6, 9)))


def _mirrored(rng: np.random.Generator, digits: DigitSet) -> np.ndarray:
    """Return a mirror image of a digit that mirroring makes meaningless."""
    return digits.draw(rng, _MIRRORABLE)[0][:, ::-1]


def _scrambled(rng: np.random.Generator, digits: DigitSet) -> np.ndarray:
    """Return a digit whose four quarters have all changed places."""
    pattern, _ = digits.draw(rng, _SCRAMBLABLE)
    tiles = pattern.reshape(2, 4, 2, 4).transpose(0, 2, 1, 3).reshape(4, 4, 4)
    order = np.arange(4)
    while (order == np.arange(4)).any():
        order = rng.permutation(4)
    rows = tiles[order].reshape(2, 2, 4, 4).transpose(0, 2, 1, 3)
    return rows.reshape(8, 8)


def _doodle(rng: np.random.Generator, _: DigitSet) -> np.ndarray:
    """Return a zigzag or a grid."""
    canvas = np.zeros((128, 128), np.uint8)
    if rng.random() < 0.5:
        # It swings from top to bottom; from side to side it could be a 2.
        xs = np.linspace(8, 120, int(rng.integers(5, 7))).astype(np.int64)
        ys = np.where(np.arange(len(xs)) % 2, 8, 120)
        points = np.stack([xs, ys], axis=1).astype(np.int32)
        cv2.polylines(canvas, [points], False, 255, 14, cv2.LINE_AA)
    else:
        for at in (36, 92):
            cv2.line(canvas, (at, 8), (at, 120), 255, 14, cv2.LINE_AA)
            cv2.line(canvas, (8, at), (120, at), 255, 14, cv2.LINE_AA)
    return _to_pattern(canvas, width=8)


def _to_pattern(canvas: np.ndarray, width: int) -> np.ndarray:
    """Reduce a drawing ``(H, W)`` uint8 to ``(8, 8)``, `width` cells wide."""
    x1, y1, x2, y2 = tight_box(canvas / 255)
    drawn = canvas[y1:y2, x1:x2].astype(np.float32)
    cells = cv2.resize(drawn, (width, 8), interpolation=cv2.INTER_AREA)
    left = (8 - width) // 2
    padded = np.pad(cells, ((0, 0), (left, 8 - width - left)))
    return np.minimum(padded * (20 / 255), 16).astype(np.float32)


def ink(
    pattern: np.ndarray, height: int, angle: float = 0.0, shear: float = 0.0
) -> np.ndarray:
    """Turn a pattern into smooth pen strokes.

    Args:
        pattern: ``(8, 8)`` ink in [0, 16].
        height: Height wanted in pixels.
        angle: Rotation in degrees.
        shear: Horizontal shift per pixel of height.

    Returns:
        Alpha ``(h, w)`` float32 in [0, 1], h at most a few pixels less than
        `height`. All four sides touch a pixel with alpha >
        :data:`INK_THRESHOLD`: the array is its own tight box.
    """
    cells = np.pad(pattern.astype(np.float32) / 16, 3)
    side = len(cells) * _CELL
    smooth = cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    lean = np.array([[1, shear, -shear * side / 2], [0, 1, 0], [0, 0, 1]])
    strokes = cv2.warpAffine(smooth, turn @ lean, (side, side))
    # Sharpening keeps thin strokes whole and small holes open; the ramp gives
    # clear, antialiased edges.
    blurred = cv2.GaussianBlur(strokes, (0, 0), 1.2 * _CELL)
    alpha = np.clip((1.8 * strokes - 0.8 * blurred - 0.42) / 0.2, 0, 1)
    x1, y1, x2, y2 = tight_box(alpha)
    alpha = alpha[y1:y2, x1:x2]
    width = max(1, round(alpha.shape[1] * height / alpha.shape[0]))
    shrunk = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    x1, y1, x2, y2 = tight_box(shrunk)
    return shrunk[y1:y2, x1:x2]


def tight_box(alpha: np.ndarray) -> tuple[int, int, int, int]:
    """Return the edges x1, y1, x2, y2 around all ink.

    Args:
        alpha: ``(H, W)`` in [0, 1]; pixels above :data:`INK_THRESHOLD` count.
    """
    ys, xs = np.nonzero(alpha > INK_THRESHOLD)
    x1, y1, x2, y2 = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    return int(x1), int(y1), int(x2), int(y2)
