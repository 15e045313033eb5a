"""A resumed training says where it is another one."""

from pathlib import Path
from typing import Any

import pytest
import torch

import mmdet_ohem.guard.fingerprint_hook as module
from tests.guard.trainings import break_off, hear, train, training_config


@pytest.fixture
def config(root: Path) -> Any:
    """Of a training that broke off."""
    config = training_config(root)
    break_off(config, 3)
    config.resume = True
    return config


def test_the_same_training_goes_on_in_silence(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    train(config)
    assert said == []


def test_a_longer_one_is_another_schedule(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    config.train_cfg.max_iters = 7
    assert train(config).iter == 7
    (warning,) = said
    assert 'only the schedule changed' in warning
    assert 'train_cfg.max_iters: 6 before, 7 now' in warning


def test_another_list_is_another_training(
    config: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    path = root / 'data/VOC2007/ImageSets/Main/trainval.txt'
    path.write_text('image0\nimage1\n')
    config.train_dataloader.batch_size = 1
    train(config)
    (warning,) = said
    assert '2 of these are not of the schedule' in warning
    assert 'Main/trainval.txt: 21 bytes' in warning
    assert 'train_dataloader.batch_size: 2 before, 1 now' in warning


def test_a_checkpoint_without_one_is_resumed(
    config: Any, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = hear(monkeypatch, module)
    file = root / 'run/iter_2.pth'
    checkpoint = torch.load(file, weights_only=True)
    del checkpoint['fingerprint']
    torch.save(checkpoint, file)
    assert train(config).iter == 6
    assert said == []
