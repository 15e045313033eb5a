"""Detections are numbers: a file of them runs no code."""

import pickle
from pathlib import Path
from typing import Any

import mmengine
import numpy as np
import pytest
import torch

from mmdet_ohem.runs.detections import read_detections
from tests.safety.attack import Attack


def detections(**more: Any) -> list[dict[str, Any]]:
    found = dict(
        bboxes=torch.tensor([[5.0, 5, 30, 30]]),
        scores=torch.tensor([0.9]),
        labels=torch.tensor([1]),
    )
    return [dict(img_path='a.jpg', pred_instances=found, **more)]


@pytest.mark.parametrize('protocol', [2, pickle.HIGHEST_PROTOCOL])
def test_what_mmengine_writes_is_read(tmp_path: Path, protocol: int) -> None:
    written = detections(
        ori_shape=(4, 6),
        scale_factor=(np.float32(2), np.float64(2)),
        masks=np.eye(2),
        half=torch.zeros(0, 4, dtype=torch.bfloat16),
    )
    path = tmp_path / 'detections.pkl'
    mmengine.dump(written, path, protocol=protocol)
    ((found,), (expected,)) = read_detections(path), written
    assert found['scale_factor'] == (2, 2)
    assert found['ori_shape'] == (4, 6)
    assert np.array_equal(found['masks'], np.eye(2))
    assert found['half'].shape == (0, 4)
    for name, value in expected['pred_instances'].items():
        assert torch.equal(found['pred_instances'][name], value)


def test_code_is_not_run(tmp_path: Path) -> None:
    touched, path = tmp_path / 'touched', tmp_path / 'detections.pkl'
    attack = Attack(touched)
    path.write_bytes(pickle.dumps(detections(attack=attack)))
    with pytest.raises(ValueError, match=r'detections\.pkl asks.*Remedy'):
        read_detections(path)
    assert not touched.exists()


@pytest.mark.parametrize('content', [b'', b'<html>', pickle.dumps([1])])
def test_another_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'detections.pkl'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'detections\.pkl .*Remedy'):
        read_detections(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_detections(tmp_path / 'none.pkl')
