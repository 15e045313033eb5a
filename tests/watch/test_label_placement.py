"""Labels beside boxes."""

import numpy as np
import pytest

from mmdet_ohem.watch.label_placement import place_labels


def place(boxes: list, size: tuple[int, int] = (20, 10)) -> np.ndarray:
    sizes = np.tile(size, (len(boxes), 1))
    return place_labels(np.array(boxes).reshape(-1, 4), sizes, 100, 80)


@pytest.mark.parametrize(
    ('box', 'expected'),
    [
        ((30, 30, 60, 60), (30, 20, 50, 30)),  # above the corner
        ((90, 30, 99, 60), (80, 20, 100, 30)),  # moved into the picture
        ((30, 0, 60, 60), (30, 0, 50, 10)),
    ],
)
def test_a_label_stands_at_its_box_and_in_the_picture(
    box: tuple, expected: tuple
) -> None:
    assert place([box]).tolist() == [list(expected)]


def test_labels_of_one_box_take_its_corners_in_turn() -> None:
    places = place([(20, 20, 70, 60)] * 8)
    corners = {tuple(place[:2]) for place in places.tolist()}
    assert corners == {(x, y) for x in (20, 50) for y in (10, 20, 50, 60)}


def test_labels_do_not_cover_each_other_where_there_is_room() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 60, (8, 2))
    boxes = np.concatenate([corner, corner + 15], 1)
    places = place(boxes.tolist(), (8, 4))
    for i, (a, b, c, d) in enumerate(places):
        for e, f, g, h in places[:i]:
            assert min(c, g) <= max(a, e) or min(d, h) <= max(b, f)


def test_the_first_label_has_the_first_choice() -> None:
    boxes = [(30, 30, 60, 60)] * 12
    assert place(boxes[:3]).tolist() == place(boxes)[:3].tolist()


def test_a_label_larger_than_the_picture_shows_its_beginning() -> None:
    assert place([(30, 30, 60, 60)], (200, 10))[0, 0] == 0


def test_no_boxes() -> None:
    assert place([]).shape == (0, 4)
