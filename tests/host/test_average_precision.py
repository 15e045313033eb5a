"""A validation leaves no process behind."""

import multiprocessing
from typing import Any

import numpy as np
import pytest

from mmdet_ohem.host.average_precision import eval_map

BOX = np.array([[0, 0, 10, 10]], np.float32)
FOUND = [[np.hstack([BOX, [[0.9]]])]] * 3


def truth(num: int) -> list[dict[str, Any]]:
    return [dict(bboxes=BOX, labels=np.array([0]))] * num


def test_its_processes_have_ended_when_it_returns() -> None:
    mean, (of_class,) = eval_map(FOUND, truth(3), logger='silent')
    assert mean == 1 and of_class['num_gts'] == 3
    assert multiprocessing.active_children() == []


def test_so_they_have_when_it_raises() -> None:
    wrong: list[Any] = [dict(labels=np.array([0]))] * 3
    with pytest.raises(KeyError, match='bboxes'):
        eval_map(FOUND, wrong, logger='silent')
    assert multiprocessing.active_children() == []


def test_mmdet_itself_is_as_before() -> None:
    from mmdet.evaluation.functional import mean_ap

    before = mean_ap.Pool
    eval_map(FOUND, truth(3), logger='silent')
    assert mean_ap.Pool is before
