"""Our VOC numbers are those of the devkit's rules."""

import logging
from typing import Any

import numpy as np
import pytest
from mmdet.datasets import VOCDataset
from mmdet.registry import METRICS

from mmdet_ohem.evaluation import devkit_voc_metric
from tests.evaluation.devkit import Box, Scene, evaluate, overlap

CLASSES = VOCDataset.METAINFO['classes'][:3]
MODES = ['11points', 'area']
GT: Box = (10, 10, 109, 59)


@pytest.fixture(autouse=True)
def _one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('mmdet.evaluation.functional.mean_ap.Pool', _NoPool)


class _NoPool:
    """``multiprocessing.Pool`` without processes: forks take longer."""

    def __init__(self, *_: Any) -> None: ...

    def starmap(self, function: Any, arguments: Any) -> list:
        return [function(*args) for args in arguments]

    def close(self) -> None: ...


def measure(
    scenes: list[Scene],
    type: str = 'mmdet_ohem.DevkitVOCMetric',
    corners: str | None = None,
    **kwargs: Any,
) -> dict[str, float]:
    """What the metric returns, names without its prefix."""
    metric = METRICS.build(dict(type=type, **kwargs))
    metric.dataset_meta = dict(classes=CLASSES, corners=corners)
    for scene in scenes:
        metric.process({}, [scene.sample()])
    values = metric.evaluate(len(scenes))
    return {
        name.removeprefix('pascal_voc/'): value
        for name, value in values.items()
    }


def one(*found: tuple[Box, float], difficult: bool = False) -> list[Scene]:
    """An image with an object of class 0 at ``GT`` and findings of it."""
    objects = [(0, GT, difficult)]
    return [Scene(objects, [(0, box, score) for box, score in found])]


def random_scenes(seed: int, num: int = 30, decimals: int = 3) -> list[Scene]:
    """Objects, a fifth of them difficult, found more or less well.

    Some findings are duplicates, some of the wrong class, some of nothing.
    No two scores are equal: the order of equal ones is anybody's choice.
    """
    rng = np.random.default_rng(seed)

    def box(centre: Any = None, jitter: float = 0.0) -> Box:
        if centre is None:
            x, y = rng.uniform(0, 300, 2)
            w, h = rng.uniform(2, 120, 2)
        else:
            w, h = centre[2] - centre[0], centre[3] - centre[1]
            x = centre[0] + rng.normal() * jitter * w
            y = centre[1] + rng.normal() * jitter * h
            w, h = np.array([w, h]) * np.exp(rng.normal(size=2) * jitter)
        corners = np.round([x, y, x + w, y + h], decimals)
        # As the metric gets them.
        x1, y1, x2, y2 = corners.astype(np.float32).tolist()
        return x1, y1, x2, y2

    scores = iter(rng.permutation(10000) / np.float32(10000))
    scenes = []
    for _ in range(num):
        scene = Scene()
        for _ in range(rng.integers(0, 6)):
            # Class 2 has no object.
            label = int(rng.integers(0, 2))
            scene.objects.append((label, box(), bool(rng.random() < 0.2)))
        for label, gt, _ in scene.objects * 2:
            of = label if rng.random() < 0.8 else int(rng.integers(0, 3))
            scene.found.append((of, box(gt, 0.12), float(next(scores))))
        for _ in range(rng.integers(0, 4)):
            label = int(rng.integers(0, 3))
            scene.found.append((label, box(), float(next(scores))))
        scenes.append(scene)
    return scenes


@pytest.mark.parametrize('eval_mode', MODES)
@pytest.mark.parametrize('decimals', [0, 3])
@pytest.mark.parametrize('seed', range(5))
def test_parity_on_random_detections(
    seed: int, decimals: int, eval_mode: str
) -> None:
    scenes = random_scenes(seed, decimals=decimals)
    expected = evaluate(scenes, len(CLASSES), eval_mode)
    ours = measure(scenes, eval_mode=eval_mode)
    stock = measure(scenes, 'VOCMetric', eval_mode=eval_mode)
    mean = sum(expected.values()) / len(expected)
    assert 0.1 < mean < 0.9
    assert ours['mAP'] == pytest.approx(mean, abs=1e-6)
    assert ours['AP50'] == pytest.approx(mean, abs=1e-6)
    assert stock['mAP'] == pytest.approx(mean, abs=1e-6)
    # The stock metric rounds this one.
    assert stock['AP50'] == pytest.approx(mean, abs=5.1e-4)
    for label, ap in expected.items():
        assert ours[f'AP50/{CLASSES[label]}'] == pytest.approx(ap, abs=1e-6)


def as_edges(scenes: list[Scene]) -> list[Scene]:
    """The same scenes as our data sets and detectors hold them."""

    def moved(box: Box) -> Box:
        return box[0], box[1], box[2] + 1, box[3] + 1

    return [
        Scene(
            [(label, moved(box), odd) for label, box, odd in scene.objects],
            [(label, moved(box), score) for label, box, score in scene.found],
        )
        for scene in scenes
    ]


@pytest.mark.parametrize('eval_mode', MODES)
@pytest.mark.parametrize('seed', range(3))
def test_edges_are_measured_in_pixels(seed: int, eval_mode: str) -> None:
    # Small whole boxes: here a pixel decides.
    rng = np.random.default_rng(seed)
    scenes = []
    for number in range(40):
        x, y, w, h = rng.integers([0, 0, 0, 0], [20, 20, 6, 6]).tolist()
        dx, dw, dh = rng.integers(0, 3, 3).tolist()
        scene = Scene([(0, (x, y, x + w, y + h), False)])
        found = (x + dx, y, x + w + dw, y + h + dh)
        scene.found.append((0, found, float(rng.random()) + number))
        scenes.append(scene)
    expected = evaluate(scenes, 1, eval_mode)[0]
    edges = as_edges(scenes)
    told = measure(edges, corners='edges', eval_mode=eval_mode)
    assert told['mAP'] == pytest.approx(expected, abs=1e-6)
    # A metric that is not told counts a row and a column too many.
    for type in ('VOCMetric', 'mmdet_ohem.DevkitVOCMetric'):
        untold = measure(edges, type, eval_mode=eval_mode)['mAP']
        assert untold > expected + 0.01


def test_an_object_of_one_pixel_can_be_found() -> None:
    scene = Scene([(0, (5, 5, 6, 6), False)], [(0, (5, 5, 6, 6), 0.9)])
    found = measure([scene], corners='edges', eval_mode='area')
    assert found['mAP'] == 1
    # One of two pixels: IoU .5.
    scene.found = [(0, (5, 5, 7, 6), 0.9)]
    found = measure([scene], corners='edges', eval_mode='area')
    assert found['mAP'] == 1
    found = measure(
        [scene], corners='edges', eval_mode='area', strict_iou=True
    )
    assert found['mAP'] == 0


@pytest.mark.parametrize(
    'odd',
    [
        (40, 20, 10, 60),  # xmax < xmin
        (10, 20, 10, 20),  # nothing at all
        (40, 60, 10, 20),  # both: its area would be positive
        (900, 900, 950, 950),  # outside of the image
    ],
)
def test_an_odd_object_is_one_that_is_never_found(odd: Box) -> None:
    scene = Scene([(0, GT, False), (0, odd, False)], [(0, GT, 0.9)])
    if odd[0] < 900:
        scene.found.append((0, (10, 20, 40, 60), 0.5))
        scene.found.append((0, odd, 0.4))
    found = measure([scene], corners='edges', eval_mode='area')['mAP']
    # Half of the objects at precision 1.
    assert found == pytest.approx(0.5)


def test_what_the_test_loop_hands_over_is_not_changed() -> None:
    sample = one((GT, 0.9))[0].sample()
    metric = METRICS.build(dict(type='mmdet_ohem.DevkitVOCMetric'))
    metric.dataset_meta = dict(classes=CLASSES, corners='edges')
    metric.process({}, [sample])
    for part in ('gt_instances', 'pred_instances'):
        assert sample[part]['bboxes'].tolist() == [list(GT)]


@pytest.mark.parametrize('eval_mode', MODES)
@pytest.mark.parametrize('seed', range(3))
def test_parity_with_the_other_inequality(seed: int, eval_mode: str) -> None:
    # Small integer boxes: an IoU of exactly 0.5 is common.
    rng = np.random.default_rng(seed)
    scenes = []
    for number in range(40):
        x = int(rng.integers(0, 50))
        scene = Scene([(0, (x, 0, x + 5, 3), False)])
        moved = x + int(rng.choice([0, 1, 2, 3]))
        score = float(rng.random(dtype=np.float32)) + number
        scene.found.append((0, (moved, 0, moved + 5, 3), score))
        scenes.append(scene)
    loose = evaluate(scenes, 1, eval_mode)[0]
    strict = evaluate(scenes, 1, eval_mode, strict=True)[0]
    assert strict < loose
    found = measure(scenes, eval_mode=eval_mode)
    assert found['mAP'] == pytest.approx(loose, abs=1e-6)
    found = measure(scenes, eval_mode=eval_mode, strict_iou=True)
    assert found['mAP'] == pytest.approx(strict, abs=1e-6)


def test_an_iou_of_exactly_one_half_is_a_match() -> None:
    # Half of the 100 columns; x2 - x1 + 1 of them, or it would be 49 / 99.
    half: Box = (10, 10, 59, 59)
    assert overlap(GT, half) == 0.5
    assert measure(one((half, 0.9)), eval_mode='area')['mAP'] == 1
    strict = measure(one((half, 0.9)), eval_mode='area', strict_iou=True)
    assert strict['mAP'] == 0
    less: Box = (10, 10, 58.9, 59)
    assert measure(one((less, 0.9)), eval_mode='area')['mAP'] == 0
    more: Box = (10, 10, 59.1, 59)
    strict = measure(one((more, 0.9)), eval_mode='area', strict_iou=True)
    assert strict['mAP'] == 1


def test_a_second_detection_of_an_object_is_wrong() -> None:
    # Two objects; right, duplicate, right: precision 1 and 2 / 3.
    far: Box = (200, 10, 299, 59)
    scenes = one((GT, 0.9), (GT, 0.8), (far, 0.7))
    scenes[0].objects.append((0, far, False))
    area = measure(scenes, eval_mode='area')['mAP']
    assert area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3, abs=1e-6)
    points = measure(scenes, eval_mode='11points')['mAP']
    # Recall 0 to .5, and .6 to 1.
    assert points == pytest.approx((6 * 1 + 5 * 2 / 3) / 11, abs=1e-6)


def test_the_higher_score_takes_the_object_not_the_better_box() -> None:
    shifted: Box = (15, 10, 114, 59)
    scenes = one((GT, 0.5), (shifted, 0.9))
    assert measure(scenes, eval_mode='area')['mAP'] == 1
    # Both verdicts count: a wrong one first would halve the precision.
    scenes[0].found.append((0, (300, 300, 350, 350), 0.95))
    area = measure(scenes, eval_mode='area')['mAP']
    assert area == pytest.approx(0.5, abs=1e-6)


def test_difficult_objects_are_neither_right_nor_wrong() -> None:
    far: Box = (200, 10, 299, 59)
    scenes = one((far, 0.9), (far, 0.8), (GT, 0.7))
    wrong_ones = measure(scenes, eval_mode='area')['mAP']
    assert wrong_ones == pytest.approx(1 / 3, abs=1e-6)
    scenes[0].objects.append((0, far, True))
    assert measure(scenes, eval_mode='area')['mAP'] == 1
    # Nor are they missed.
    scenes[0].found = scenes[0].found[2:]
    assert measure(scenes, eval_mode='area')['mAP'] == 1


def test_a_difficult_object_that_overlaps_more_takes_the_detection() -> None:
    beside: Box = (14, 10, 113, 59)
    scenes = one((beside, 0.9))
    assert measure(scenes, eval_mode='area')['mAP'] == 1
    scenes[0].objects.append((0, beside, True))
    assert measure(scenes, eval_mode='area')['mAP'] == 0


def test_where_the_two_differ_a_tie_between_objects() -> None:
    # Both objects at the same place. The devkit looks at the first in the
    # annotation, mmdet first at those that are not difficult.
    scenes = one((GT, 0.9))
    scenes[0].objects.insert(0, (0, GT, True))
    assert evaluate(scenes, 1, 'area')[0] == 0
    assert measure(scenes, eval_mode='area')['mAP'] == 1
    assert measure(scenes, 'VOCMetric', eval_mode='area')['mAP'] == 1


@pytest.mark.parametrize('type', ['VOCMetric', 'mmdet_ohem.DevkitVOCMetric'])
def test_where_the_two_differ_equal_scores_come_in_any_order(
    type: str,
) -> None:
    # The devkit takes them in the order of the file, mmdet in that of a sort
    # that is not stable. Here it decides whether the wrong one is first.
    elsewhere: Box = (300, 300, 350, 350)
    scenes = one((GT, 0.5), (elsewhere, 0.5))
    assert evaluate(scenes, 1, 'area')[0] == 1
    found = measure(scenes, type, eval_mode='area')['mAP']
    assert found in (pytest.approx(0.5), pytest.approx(1))


def test_recall_of_three_in_ten_is_below_the_fourth_point() -> None:
    # 0.1 * 3 is a little more than 0.3, for the devkit and for mmdet.
    scenes = [one((GT, 0.9))[0] for _ in range(3)] + [
        one()[0] for _ in range(7)
    ]
    expected = evaluate(scenes, 1, '11points')[0]
    assert expected == pytest.approx(3 / 11)
    found = measure(scenes, eval_mode='11points')['mAP']
    assert found == pytest.approx(3 / 11, abs=1e-6)


def test_classes_without_an_object_have_no_ap() -> None:
    scenes = one((GT, 0.9))
    scenes[0].found.append((1, GT, 0.9))
    scenes[0].objects.append((2, GT, True))
    found = measure(scenes, eval_mode='area')
    assert found == {'mAP': 1, 'AP50': 1, f'AP50/{CLASSES[0]}': 1}


def test_an_object_that_nothing_found_has_ap_0() -> None:
    for eval_mode in MODES:
        found = measure(one(), eval_mode=eval_mode)
        assert found['mAP'] == found[f'AP50/{CLASSES[0]}'] == 0


def test_several_thresholds_are_averaged() -> None:
    half: Box = (10, 10, 59, 59)
    found = measure(one((half, 0.9)), iou_thrs=[0.5, 0.55], eval_mode='area')
    assert found['AP50'] == 1
    assert found['AP55'] == 0
    assert found['mAP'] == 0.5


def test_all_detections_of_an_image_count() -> None:
    # 2000 an image is the limit of the configs, not the metric's.
    wrong = [((300.0, 300.0, 350.0, 350.0), 1 - i / 4000) for i in range(2999)]
    scenes = one(*wrong, (GT, 0.1))
    found = measure(scenes, eval_mode='area')['mAP']
    assert found == pytest.approx(1 / 3000, rel=1e-5)


@pytest.mark.parametrize(
    ('dataset_type', 'eval_mode', 'warns'),
    [
        ('VOC2007', '11points', False),
        ('VOC2007', 'area', True),
        ('VOC2012', 'area', False),
        ('VOC2012', '11points', True),
        (None, 'area', False),
        (None, '11points', False),
    ],
)
def test_the_ap_of_another_year_is_a_warning(
    dataset_type: str | None,
    eval_mode: str,
    warns: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        devkit_voc_metric,
        'print_log',
        lambda text, logger, level: (
            messages.append(text) if level == logging.WARNING else None
        ),
    )
    metric = METRICS.build(
        dict(type='mmdet_ohem.DevkitVOCMetric', eval_mode=eval_mode)
    )
    metric.dataset_meta = dict(classes=CLASSES, dataset_type=dataset_type)
    metric.process({}, [one((GT, 0.9))[0].sample()])
    metric.evaluate(1)
    assert len(messages) == warns
    if warns:
        assert f'{dataset_type} is evaluated with' in messages[0]


def test_recall_is_refused() -> None:
    with pytest.raises(ValueError, match="metric is 'recall'"):
        METRICS.build(dict(type='mmdet_ohem.DevkitVOCMetric', metric='recall'))
