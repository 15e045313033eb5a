import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mmdet_ohem.proposals import selective_search as module
from mmdet_ohem.proposals.selective_search import (
    clean_boxes,
    rects_to_boxes,
    selective_search,
)

WIDTH = 100


def make_image(height: int = 60, width: int = 80) -> np.ndarray:
    img = np.full((height, width, 3), 40, dtype=np.uint8)
    img[height // 4 : height // 2, width // 4 : width // 2] = (0, 0, 255)
    img[height // 2 :, width // 2 :] = (255, 200, 0)
    return img


def test_rectangle_of_ten_pixels_ends_ten_further() -> None:
    rects = np.array([[0, 5, 10, 1]])
    assert rects_to_boxes(rects).tolist() == [[0, 5, 10, 6]]


def test_scaling_moves_edges_not_last_pixels() -> None:
    # Edges 10 and 30 become 20 and 60.
    rects = np.array([[10, 4, 20, 4]])
    assert rects_to_boxes(rects, 2, 0.5).tolist() == [[20, 2, 60, 4]]


def test_clean_clips_and_keeps_first_of_equals() -> None:
    boxes = np.array(
        [
            [5, 5, 8, 8],
            [0, 0, 99, 99],
            [5, 5, 8, 8],
            [0, 0, 20, 10],
            [3, 3, 4, 8],
            [3, 3, 5, 5],
        ],
        dtype=np.float32,
    )
    kept = clean_boxes(boxes, height=10, width=20)
    assert kept.tolist() == [[5, 5, 8, 8], [0, 0, 20, 10], [3, 3, 5, 5]]
    assert kept.dtype == np.float32


@pytest.mark.parametrize('mode', ['fast', 'quality'])
def test_boxes_are_distinct_whole_pixels_inside(mode: str) -> None:
    img = make_image()
    boxes = selective_search(img, mode, WIDTH)
    assert boxes.dtype == np.float32
    assert len(boxes) > 1
    assert (boxes == np.round(boxes)).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= [80, 60]).all()
    assert (boxes[:, 2:] - boxes[:, :2] >= 2).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)


@pytest.mark.parametrize('size', [(60, 80), (120, 160), (300, 400)])
def test_finds_the_rectangle_at_any_scale(size: tuple[int, int]) -> None:
    height, width = size
    boxes = selective_search(make_image(height, width), 'fast', WIDTH)
    true = [width // 4, height // 4, width // 2, height // 2]
    # The search blurs, on its own grid: two of its pixels of tolerance.
    error = np.abs(boxes - true).max(axis=1).min()
    assert error <= 2 * max(1, width / WIDTH)


def test_two_calls_agree() -> None:
    img = make_image()
    first = selective_search(img, 'fast', WIDTH)
    cv2.setRNGSeed(7)
    np.random.seed(7)
    np.testing.assert_array_equal(selective_search(img, 'fast', WIDTH), first)


def test_two_processes_agree() -> None:
    # The module alone: importing mmdet would take most of the time.
    code = (
        'import runpy, sys, numpy as np;'
        f'm = runpy.run_path({module.__file__!r});'
        'img = np.frombuffer(sys.stdin.buffer.read(), np.uint8);'
        f"b = m['selective_search'](img.reshape(60, 80, 3), 'fast', {WIDTH});"
        'sys.stdout.buffer.write(b.tobytes())'
    )
    img = make_image()
    output = subprocess.run(
        [sys.executable, '-c', code],
        input=img.tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    assert output == selective_search(img, 'fast', WIDTH).tobytes()


def test_global_random_state_is_left_alone() -> None:
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    selective_search(make_image(), 'fast', WIDTH)
    assert np.random.rand() == expected


def test_flat_image_gives_the_whole_image() -> None:
    img = np.full((30, 40, 3), 9, dtype=np.uint8)
    assert selective_search(img, 'fast', WIDTH).tolist() == [[0, 0, 40, 30]]


def test_tall_column_is_not_blown_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def record(img: np.ndarray, mode: str) -> np.ndarray:
        seen.append(img.shape)
        return np.array([[0, 0, img.shape[1], img.shape[0]]])

    monkeypatch.setattr(module, '_search', record)
    img = np.zeros((1000, 2, 3), dtype=np.uint8)
    assert selective_search(img, 'fast', 16).tolist() == [[0, 0, 2, 1000]]
    assert seen == [(64, 1, 3)]


def test_one_pixel_has_no_box() -> None:
    img = np.zeros((1, 1, 3), dtype=np.uint8)
    assert selective_search(img, 'fast', 16).shape == (0, 4)


@pytest.mark.parametrize(
    ('img', 'mode', 'width', 'message'),
    [
        (np.zeros((4, 4), np.uint8), 'fast', 16, r'shape \(4, 4\)'),
        (np.zeros((4, 4, 3)), 'fast', 16, 'type float64'),
        (np.zeros((0, 4, 3), np.uint8), 'fast', 16, 'empty'),
        (make_image(), 'slow', 16, "mode is 'slow'"),
        (make_image(), 'fast', 0, 'width is 0'),
    ],
)
def test_bad_arguments_are_named(
    img: np.ndarray, mode: str, width: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        selective_search(img, mode, width)


def test_opencv_without_contrib_says_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = SimpleNamespace(__version__='4.8', __file__='site/cv2')
    monkeypatch.setattr(module, 'cv2', plain)
    with pytest.raises(ImportError, match='opencv-contrib-python-headless'):
        selective_search(make_image(), 'fast', WIDTH)
