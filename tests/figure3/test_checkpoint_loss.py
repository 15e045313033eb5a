"""Results of checkpoints, on disk."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from mmdet_ohem.figure3.checkpoint_loss import CheckpointLoss, result_path

RESULT = CheckpointLoss(
    checkpoint='iter_2.pth',
    iteration=2,
    num_images=3,
    seconds=0.1,
    sums=[[[3.0, 1.0, math.pi, 1 / 3]] * 3],
)


def test_a_result_is_the_same_when_read_back(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'x.json'
    assert CheckpointLoss.load(path) is None
    RESULT.save(path)
    assert CheckpointLoss.load(path) == RESULT
    assert [x.name for x in path.parent.iterdir()] == ['x.json']


def test_another_file_is_no_result(tmp_path: Path) -> None:
    for text in ('{"a": 1}', '{"checkp', '[]'):
        (tmp_path / 'x.json').write_text(text)
        with pytest.raises(ValueError, match=r'x\.json.*delete it'):
            CheckpointLoss.load(tmp_path / 'x.json')


def test_an_interrupted_save_leaves_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', die)
    with pytest.raises(KeyboardInterrupt):
        RESULT.save(tmp_path / 'x.json')
    assert CheckpointLoss.load(tmp_path / 'x.json') is None


def test_results_are_kept_by_checkpoint_and_settings(tmp_path: Path) -> None:
    checkpoint = tmp_path / 'iter_1.pth'
    checkpoint.write_text('weights')
    os.utime(checkpoint, ns=(0, 10**18))

    def path(**settings: object) -> Path:
        return result_path(tmp_path, checkpoint, settings)

    first = path(max_images=3)
    assert path(max_images=3) == first
    assert path(max_images=None) != first
    # Trained again: of the same size, in the same place.
    os.utime(checkpoint, ns=(0, 2 * 10**18))
    assert path(max_images=3) != first


def test_means_come_from_the_sums() -> None:
    assert RESULT.means[0].cls == math.pi / 3
    assert json.dumps(RESULT.sums)
