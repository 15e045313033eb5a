"""Pictures of hard examples."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.hard_example_drawing import (
    BG_COLOR,
    FG_COLOR,
    GT_COLOR,
    SUPPRESSED_COLOR,
    DrawingStyle,
    _hardest,
    draw_hard_examples,
)
from mmdet_ohem.watch.record_summary import summarize

IMAGE = np.zeros((60, 80, 3), np.uint8)
GT = torch.tensor([[5.0, 40, 25, 55]])
PLAIN = DrawingStyle(min_side=60)


def record(**changes: Any) -> MiningRecord:
    """Four RoIs: one foreground; the third one removed by the NMS."""
    return replace(
        MiningRecord(
            boxes=torch.tensor(
                [
                    [10.0, 20, 30, 35],
                    [40, 20, 70, 50],
                    [42, 24, 72, 54],
                    [40, 2, 60, 14],
                ]
            ),
            losses=torch.tensor([2.0, 3, 2.5, 1]),
            labels=torch.tensor([0, -1, -1, -1]),
            max_overlaps=torch.tensor([0.6, 0.0, 0.0, 0.3]),
            kept=torch.tensor([1, 0, 3]),
            hard=torch.tensor([1, 0, 3]),
        ),
        **changes,
    )


def has(picture: np.ndarray, color: tuple, x: float, y: float) -> bool:
    """Whether there is the colour within a pixel or two of a point."""
    x, y = int(x), int(y)
    near = picture[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3]
    return bool((np.abs(near - np.array(color)).max(-1) < 60).any())


def draw(
    mined: MiningRecord, style: DrawingStyle = PLAIN, **kwargs: Any
) -> np.ndarray:
    return draw_hard_examples(IMAGE, mined, GT, style, **kwargs)


def test_each_kind_of_box_has_its_colour() -> None:
    picture = draw(record())
    assert picture.shape == IMAGE.shape
    assert picture.dtype == np.uint8
    assert has(picture, FG_COLOR, 30, 28)
    assert has(picture, BG_COLOR, 70, 40)
    assert any(has(picture, GT_COLOR, x, 55) for x in range(5, 26))
    assert not has(picture, SUPPRESSED_COLOR, 72, 52)


def test_mined_ground_truth_keeps_its_colour() -> None:
    boxes = record().boxes.clone()
    boxes[0] = GT[0]
    picture = draw(record(boxes=boxes))
    assert any(has(picture, GT_COLOR, x, 55) for x in range(5, 26))
    assert not any(has(picture, FG_COLOR, x, 55) for x in range(5, 26))


def test_the_colours_are_told_apart() -> None:
    colors = np.array([FG_COLOR, BG_COLOR, GT_COLOR, SUPPRESSED_COLOR])
    apart = np.abs(colors[:, None] - colors[None]).max(-1)
    assert (apart + 1000 * np.eye(4) > 100).all()


def test_what_the_nms_removed_is_drawn_on_demand() -> None:
    style = replace(PLAIN, draw_suppressed=True)
    faint = tuple(0.6 * part for part in SUPPRESSED_COLOR)
    assert has(draw(record(), style), faint, 72, 53)
    # Easier than all that are drawn: not shown.
    easy = record(losses=torch.tensor([2.0, 3, 0.5, 1]))
    assert not has(draw(easy, style), faint, 72, 53)


def test_only_the_hardest_are_drawn() -> None:
    picture = draw(record(), replace(PLAIN, max_boxes=2))
    assert has(picture, FG_COLOR, 30, 28)
    assert has(picture, BG_COLOR, 70, 40)
    assert has(draw(record()), BG_COLOR, 52, 2)
    assert not has(picture, BG_COLOR, 52, 2)


@pytest.mark.parametrize(
    ('num_fg', 'num', 'drawn'),
    [
        (10, 4, 'ffbb'),
        (10, 5, 'fffbb'),
        (1, 4, 'fbbb'),
        (19, 4, 'fffb'),
        (0, 3, 'bbb'),
        (20, 3, 'fff'),
        (1, 40, 'f' + 19 * 'b'),
    ],
)
def test_half_of_them_are_foreground(
    num_fg: int, num: int, drawn: str
) -> None:
    # Foreground is harder than background throughout.
    mined = record(
        losses=torch.arange(20.0, 0, -1),
        labels=torch.tensor([0] * num_fg + [-1] * (20 - num_fg)),
        hard=torch.arange(20),
    )
    inds = _hardest(mined, num)
    assert ''.join('fb'[int(i >= num_fg)] for i in inds) == drawn
    assert inds.tolist() == sorted(inds)
    num_drawn = drawn.count('b')
    assert inds[len(inds) - num_drawn :].tolist() == list(
        range(num_fg, num_fg + num_drawn)
    )


def test_small_images_are_enlarged_with_their_boxes() -> None:
    picture = draw(record(), replace(PLAIN, min_side=240))
    assert picture.shape == (240, 320, 3)
    assert has(picture, BG_COLOR, 280, 160)


def test_large_images_keep_their_size() -> None:
    assert draw(record(), replace(PLAIN, min_side=10)).shape == IMAGE.shape


def test_the_loss_stands_beside_its_box() -> None:
    style = replace(PLAIN, min_side=240)
    picture = draw(record(), style)
    # The label lies above the top left corner, at (160, 80).
    label = picture[68:78, 163:175]
    assert (np.abs(label - 0.85 * np.array(BG_COLOR)).max(-1) < 30).any()
    assert (label.max(-1) < 60).any()  # and is written in black


def test_a_caption_is_below_the_picture() -> None:
    style = replace(PLAIN, min_side=480)
    without = draw(record(), style)
    with_caption = draw(record(), style, caption='a\nb')
    height = len(without)
    assert len(with_caption) > height
    assert np.array_equal(with_caption[: height - 2], without[:-2])
    assert with_caption[height:].max() > 200


def test_boxes_beyond_the_image_are_clipped() -> None:
    beyond = record(boxes=torch.tensor([[-50.0, -50, 500, 500]] * 4))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        draw(beyond)


@pytest.mark.parametrize('num', [0, 4])
def test_nothing_mined_and_no_ground_truth(num: int) -> None:
    none = torch.empty(0, dtype=torch.long)
    empty = MiningRecord(
        boxes=torch.rand(num, 4),
        losses=torch.full((num,), float('nan')),
        labels=torch.full((num,), -1),
        max_overlaps=None,
        kept=none,
        hard=none,
    )
    style = replace(PLAIN, draw_suppressed=True)
    picture = draw_hard_examples(IMAGE, empty, torch.empty(0, 4), style)
    assert np.array_equal(picture, IMAGE)
    assert summarize(empty).startswith('0 fg, 0 bg\nmean loss -')


def test_summary_by_hand() -> None:
    assert summarize(record()) == (
        '1 fg, 2 bg (50 % IoU < 0.1)\nmean loss 2.00, of all 4 RoIs 2.12'
    )


@pytest.mark.parametrize('name', ['max_boxes', 'min_side'])
def test_sizes_below_1_are_refused(name: str) -> None:
    sizes: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f'{name} must be at least 1, got 0'):
        DrawingStyle(**sizes)
