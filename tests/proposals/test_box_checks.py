"""Which boxes can be trained on, by hand."""

import logging

import numpy as np
import pytest

from mmdet_ohem.proposals import box_checks
from mmdet_ohem.proposals.box_checks import Findings, check_boxes

NAN, INF = float('nan'), float('inf')

# Box, what it is clipped to in 100 x 80 pixels, what is found.
CASES = [
    ([10, 10, 20, 20], [10, 10, 20, 20], None),
    ([0, 0, 99, 79], [0, 0, 99, 79], None),
    ([10.25, 10, 10.5, 10.75], [10.25, 10, 10.5, 10.75], None),
    ([10, 10, 10, 20], None, 'without area'),
    ([10, 10, 20, 10], None, 'without area'),
    ([20, 10, 10, 20], None, 'without area'),
    ([0, 0, 0, 0], None, 'without area'),
    ([200, 10, 210, 20], None, 'without area'),
    ([-30, 10, -20, 20], None, 'without area'),
    # It begins where the image ends.
    ([100, 10, 120, 20], None, 'without area'),
    # One column of it is inside, which is a width of 1.
    ([99, 10, 120, 20], [99, 10, 100, 20], 'beyond the image'),
    ([10, 10, 11, 11], [10, 10, 11, 11], None),
    ([0, 0, 100, 80], [0, 0, 100, 80], None),
    ([0, 0, 101, 80.5], [0, 0, 100, 80], 'beyond the image'),
    ([-5, -1, 20, 20], [0, 0, 20, 20], 'beyond the image'),
    ([NAN, 0, 9, 9], None, 'not finite'),
    ([0, 0, INF, 9], None, 'not finite'),
    ([-INF, 0, 9, 9], None, 'not finite'),
]


@pytest.mark.parametrize(('box', 'clipped', 'kind'), CASES)
def test_a_box_is_clipped_and_of_at_most_one_kind(
    box: list[float], clipped: list[float] | None, kind: str | None
) -> None:
    boxes, found = check_boxes(np.array([box]), 100, 80)
    assert {name: mask.tolist() for name, mask in found.items()} == {
        name: [name == kind]
        for name in ('not finite', 'without area', 'beyond the image')
    }
    if clipped is not None:
        assert boxes.tolist() == [clipped]


def test_many_boxes_are_checked_as_each_alone() -> None:
    _, found = check_boxes(np.array([box for box, _, _ in CASES]), 100, 80)
    for kind, mask in found.items():
        assert mask.tolist() == [case[2] == kind for case in CASES]


def test_no_box_gives_empty_masks() -> None:
    boxes, found = check_boxes(np.empty((0, 4)), 100, 80)
    assert boxes.shape == (0, 4)
    assert [mask.shape for mask in found.values()] == [(0,)] * 3


def test_an_unknown_size_clips_nothing() -> None:
    box = [-10, 500, 900, 1000]
    boxes, found = check_boxes(np.array([box, [5, 5, 5, 9]]), 0, 0)
    assert boxes[0].tolist() == box
    assert not found['beyond the image'].any()
    assert found['without area'].tolist() == [False, True]


def test_the_boxes_given_stay_as_they_are() -> None:
    boxes = np.array([[-5, 0, 200, 20]], np.float32)
    check_boxes(boxes, 100, 80)
    assert boxes.tolist() == [[-5, 0, 200, 20]]


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def log(text: str, level: int, **_: object) -> None:
        assert level == logging.WARNING
        found.append(text)

    monkeypatch.setattr(box_checks, 'print_log', log)
    return found


def test_findings_are_one_warning_with_counts_and_names(
    messages: list[str],
) -> None:
    findings = Findings('list.txt')
    findings.add('odd', 'a', 2)
    findings.add('odd', 'b', 3)
    findings.add('odd', 'c', 0)
    findings.warn('odd', '{count} boxes in {images} images: {names}')
    assert messages == ['list.txt: 5 boxes in 2 images: a, b']
    assert findings.count('odd') == 5


def test_of_many_names_the_first_five_are_given(messages: list[str]) -> None:
    findings = Findings('list.txt')
    for name in 'abcdefg':
        findings.add('odd', name)
    findings.warn('odd', '{names}')
    assert messages == ['list.txt: a, b, c, d, e and 2 more']


def test_nothing_found_is_nothing_said(messages: list[str]) -> None:
    findings = Findings('list.txt')
    findings.add('odd', 'a', 0)
    findings.warn('odd', '{names}')
    assert (messages, findings.count('odd')) == ([], 0)


def test_braces_in_a_path_are_text(messages: list[str]) -> None:
    findings = Findings('{a}.txt')
    findings.add('odd', '{b}')
    findings.warn('odd', '{count} in {c}.pkl: {names}')
    assert messages == ['{a}.txt: 1 in {c}.pkl: {b}']
