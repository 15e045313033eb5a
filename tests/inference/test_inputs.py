"""Images and boxes as users give them, and what is said of wrong ones."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mmdet_ohem.inference.inputs import (
    boxes_of_file,
    boxes_per_image,
    checked_boxes,
    read_image,
)
from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry


def test_a_path_and_an_array_are_one_image(tmp_path: Path) -> None:
    img = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    path = tmp_path / 'a.png'
    cv2.imwrite(str(path), img)
    assert np.array_equal(read_image(path), img)
    assert np.array_equal(read_image(str(path)), img)
    assert read_image(img) is img


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (np.zeros((8, 9), np.uint8), r'shape \(8, 9\)'),
        (np.zeros((2, 8, 9, 3), np.uint8), 'as a list'),
        (np.zeros((8, 9, 3)), 'type float64'),
        (5, 'an image is a int'),
    ],
)
def test_no_image(image: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_image(image)


def test_files_that_are_no_image(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.jpg does not exist'):
        read_image(tmp_path / 'no.jpg')
    text = tmp_path / 'text.jpg'
    text.write_text('no picture')
    for path in (text, tmp_path):
        with pytest.raises(ValueError, match='cannot be read as an image'):
            read_image(path)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    img = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    _, data = cv2.imencode('.jpg', img)
    for content in (b'', data.tobytes()[:-500]):
        path = tmp_path / 'a.jpg'
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'a\.jpg cannot be read as'):
            read_image(path)


@pytest.mark.parametrize('kind', [list, np.array, torch.tensor])
def test_boxes_come_in_many_forms(kind: Any) -> None:
    boxes = checked_boxes(kind([[1, 2, 3, 4], [0, 0, 9, 7]]), 10, 8)
    assert boxes.dtype == np.float32
    assert boxes.tolist() == [[1, 2, 3, 4], [0, 0, 9, 7]]


@pytest.mark.parametrize('boxes', [[], np.zeros((0, 4))])
def test_no_boxes_are_boxes(boxes: Any) -> None:
    assert checked_boxes(boxes, 10, 8).shape == (0, 4)


def test_boxes_are_clipped_to_the_edges_of_the_image() -> None:
    assert checked_boxes([[-3, 1, 99, 99]], 10, 8).tolist() == [[0, 1, 10, 8]]


def test_the_whole_image_and_a_pixel_are_boxes() -> None:
    boxes = [[0, 0, 10, 8], [9, 7, 10, 8]]
    assert checked_boxes(boxes, 10, 8).tolist() == boxes


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([1, 2, 3, 4], r'shape \(4,\), expected \(n, 4\)'),
        ([[1, 2, 3, 4, 0.5]], r'shape \(1, 5\)'),
        ([[1, 2, 3, 4], [1, np.nan, 3, 4]], '1 of 2 boxes are not finite'),
        ([[5, 5, 3, 2]], 'without area .* not .x, y, width, height'),
        ([[20, 1, 30, 4]], 'without area in the image of 10 x 8'),
        ('boxes', 'not an array of numbers'),
        ([[5, 5, 3, 2]], r'They look like \(x, y, width, height\)'),
        ([[0.1, 0.2, 0.5, 0.9]], 'They look like fractions of the image'),
        ([[0, 0, 8, 10]], r'They look like \(y1, x1, y2, x2\)'),
    ],
)
def test_wrong_boxes(boxes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_boxes(boxes, 10, 8)


def test_boxes_are_paired_with_images() -> None:
    one = [[1, 2, 3, 4]]
    assert boxes_per_image(None, 2) == [None, None]
    assert boxes_per_image(None, None) == [None]
    assert boxes_per_image(one, None) == [one]
    assert boxes_per_image([one, None], 2) == [one, None]
    for boxes, count in ((np.zeros((2, 4)), 'no list'), ([one], '1')):
        with pytest.raises(ValueError, match=f'2 images but .* for {count}'):
            boxes_per_image(boxes, 2)


def test_boxes_of_a_proposal_file(tmp_path: Path) -> None:
    path = tmp_path / 'boxes.pkl'
    save_proposals(path, {'dir/a.jpg': make_entry(np.array([[1, 2, 3, 4]]))})
    (found,) = boxes_of_file(path, ['/elsewhere/dir/a.jpg'])
    assert found.tolist() == [[1, 2, 3, 4]]
    with pytest.raises(ValueError, match=r"1 of 2 images.*'dir/b.jpg'"):
        boxes_of_file(path, ['dir/a.jpg', 'dir/b.jpg'])
