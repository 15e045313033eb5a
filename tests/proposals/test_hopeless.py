"""When the first images all fail alike, the rest is not tried."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdet_ohem.proposals.hopeless import NUM_TRIED, why_hopeless
from mmdet_ohem.proposals.make import make_proposals

MISSING = 'FileNotFoundError: no such file'


def failures(*errors: str) -> list[tuple[str, str]]:
    return [(f'image{i}', error) for i, error in enumerate(errors)]


def test_five_failures_of_one_kind_are_enough() -> None:
    reason = why_hopeless(failures(*[MISSING] * NUM_TRIED), NUM_TRIED, 34)
    assert reason is not None
    assert 'the first 5 of 34 images' in reason
    assert f'Image image0: {MISSING}' in reason


@pytest.mark.parametrize(
    ('errors', 'num_done'),
    [
        ([], 0),
        ([MISSING] * 4, 4),
        ([MISSING] * 5, 6),
        ([MISSING] * 4 + ['ValueError: no image'], 5),
        ([MISSING] * 6, 6),
    ],
)
def test_otherwise_it_goes_on(errors: list[str], num_done: int) -> None:
    assert why_hopeless(failures(*errors), num_done, 34) is None


def find_boxes(img: np.ndarray, **settings: object) -> np.ndarray:
    return np.array([[0, 0, 5, 5]], np.float32)


def test_a_wrong_suffix_stops_with_the_first_cause(tmp_path: Path) -> None:
    images = {str(i): tmp_path / f'{i}.jpeg' for i in range(34)}
    out = tmp_path / 'out.pkl'
    with pytest.raises(ValueError, match=r'first 5 of 34.*Image 0: .*0\.jpeg'):
        make_proposals(images, out, num_workers=1, search=find_boxes)
    # Nothing stays that a call with other settings would stumble over.
    assert list(tmp_path.iterdir()) == []


def test_a_good_image_among_the_first_keeps_it_going(tmp_path: Path) -> None:
    images = {str(i): tmp_path / f'{i}.png' for i in range(8)}
    cv2.imwrite(str(images['1']), np.zeros((8, 8, 3), np.uint8))
    result = make_proposals(
        images, tmp_path / 'out.pkl', num_workers=1, search=find_boxes
    )
    assert len(result.failed) == 7
    assert result.written == 1
