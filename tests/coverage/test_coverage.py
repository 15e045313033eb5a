"""Recall of proposals, worked by hand and against loops."""

import numpy as np
import pytest

from mmdet_ohem.coverage.coverage import Coverage, cover_image

OBJECTS = np.array([[0, 0, 10, 10], [20, 20, 30, 40]], np.float32)
LABELS = np.array([0, 1])
# IoU with the first: .6, 1; with the second: .5.
BOXES = np.array([[0, 0, 10, 6], [0, 0, 10, 10], [20, 20, 30, 30]], np.float32)


def test_ranks_and_overlaps_by_hand() -> None:
    found = cover_image('a', OBJECTS, LABELS, BOXES)
    assert found.best_ious.tolist() == [1, 0.5]
    assert found.best_rows.tolist() == [1, 2]
    # At .5 the first box covers the first object, at .7 the second does.
    assert found.ranks.tolist() == [[1, 2], [3, np.inf]]
    assert found.num_proposals == 3


def test_recall_by_hand() -> None:
    images = [cover_image('a', OBJECTS, LABELS, BOXES)]
    images.append(cover_image('b', OBJECTS[:1], LABELS[:1], BOXES[:0]))
    coverage = Coverage(images, ('x', 'y', 'z'))
    assert coverage.num_objects() == 3
    assert coverage.recall(0.5) == pytest.approx(2 / 3)
    assert coverage.recall(0.7) == pytest.approx(1 / 3)
    assert coverage.recall(0.5, label=0) == 0.5
    assert coverage.recall(0.5, label=1) == 1
    assert np.isnan(coverage.recall(0.5, label=2))
    assert coverage.recall(0.5, at_most=1) == pytest.approx(1 / 3)
    assert coverage.recall(0.7, at_most=1) == 0
    assert coverage.counts.tolist() == [3, 0]


def test_recall_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 50, (60, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 50, (60, 2))], 1)
    objects, proposals = boxes[:10], boxes[10:]
    coverage = Coverage(
        [cover_image('a', objects, np.zeros(10, int), proposals)], ('x',)
    )

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        shared = float(np.prod(sides.clip(0)))
        areas = [float(np.prod(x[2:] - x[:2])) for x in (a, b)]
        return shared / (sum(areas) - shared)

    for num in (1, 20, 50):
        hits = [
            max(iou(x, y) for y in proposals[:num]) >= 0.5 for x in objects
        ]
        assert coverage.recall(0.5, at_most=num) == np.mean(hits)


@pytest.mark.parametrize(
    ('num', 'worst', 'best'),
    [(1, 'b', 'c'), (2, 'ba', 'c'), (9, 'ba', 'c')],
)
def test_no_image_is_among_the_worst_and_the_best(
    num: int, worst: str, best: str
) -> None:
    images = [
        cover_image('a', OBJECTS[1:], LABELS[1:], BOXES),
        cover_image('b', OBJECTS, LABELS, BOXES[:0]),
        cover_image('c', OBJECTS[:1], LABELS[:1], BOXES),
        cover_image('no objects', OBJECTS[:0], LABELS[:0], BOXES),
    ]
    found = Coverage(images, ('x', 'y')).worst_and_best(num)
    assert [''.join(x.name for x in half) for half in found] == [worst, best]


def test_no_image_at_all() -> None:
    coverage = Coverage([], ('x',))
    assert np.isnan(coverage.recall(0.5))
    assert coverage.worst_and_best(3) == ([], [])
