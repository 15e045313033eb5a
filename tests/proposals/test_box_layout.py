"""Boxes in other layouts are recognised, xyxy is left alone."""

import numpy as np
import pytest

from mmdet_ohem.proposals.box_layout import guess_layout

SIZES = [(100, 80), (60, 90), (50, 50)]


def xyxy(num: int = 200) -> list[np.ndarray]:
    """Boxes of each image, of which one is the whole image."""
    rng = np.random.default_rng(0)
    found = []
    for width, height in SIZES:
        ends = rng.uniform(0, 1, (num, 2, 2)) * [width, height]
        boxes = np.sort(ends, axis=1).reshape(num, 4)
        boxes[0] = 0, 0, width, height
        found.append(boxes)
    return found


def as_sizes(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)


def test_xyxy_is_left_alone() -> None:
    assert guess_layout(xyxy(), SIZES) is None
    assert guess_layout([x.round() for x in xyxy()], SIZES) is None
    # Some boxes are wrong, not the layout.
    odd = xyxy()
    odd[0][:60] = odd[0][:60, [2, 3, 0, 1]]
    odd[1][:60] += 50
    assert guess_layout(odd, SIZES) is None


def test_fractions() -> None:
    boxes = [x / [w, h, w, h] for x, (w, h) in zip(xyxy(), SIZES, strict=True)]
    assert 'from 0 to 1' in str(guess_layout(boxes, SIZES))


def test_the_first_pixel_is_a_box() -> None:
    assert guess_layout([np.array([[0, 0, 1, 1]])], [(9, 9)]) is None


def test_sizes() -> None:
    # Halved: selective search's boxes are smaller than these.
    boxes = [as_sizes(x * [1, 1, 1, 1]) for x in xyxy()]
    small = [np.concatenate([x[:, :2], x[:, 2:] / 4], 1) for x in boxes]
    assert guess_layout(small, SIZES) == '(x, y, width, height)'


def test_x_and_y_exchanged() -> None:
    boxes = [x[:, [1, 0, 3, 2]] for x in xyxy()]
    assert guess_layout(boxes, SIZES) == '(y1, x1, y2, x2)'
    # Nothing tells it in square images.
    assert guess_layout(boxes[2:], SIZES[2:]) is None


@pytest.mark.parametrize('size', [(0, 0), (9, 9)])
def test_nothing_to_guess_from(size: tuple[int, int]) -> None:
    assert guess_layout([np.zeros((0, 4))], [size]) is None
    assert guess_layout([], []) is None


def test_images_of_unknown_size_do_not_count() -> None:
    boxes = [np.array([[0.1, 0.2, 0.9, 1.0]])]
    assert guess_layout(boxes, [(0, 0)]) is None
    assert guess_layout(boxes, [(100, 80)]) is not None
