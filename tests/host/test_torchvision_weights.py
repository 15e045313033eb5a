"""Weights of torchvision's names, without torchvision and without a net."""

import hashlib
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmdet_ohem.detector.pretrained import load_pretrained
from mmdet_ohem.host import torchvision_weights
from mmdet_ohem.host.torchvision_weights import (
    WeightsNotHereError,
    cached_file,
    torchvision_url,
)

VGG16 = 'torchvision://vgg16'


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder, and no network."""

    def no_route(*args: Any, **kwargs: Any) -> None:
        raise urllib.error.URLError('no route to host')

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr('torch.hub.urlopen', no_route)
    (tmp_path / 'checkpoints').mkdir()
    return tmp_path / 'checkpoints'


def test_the_address_of_vgg16_has_the_known_hash() -> None:
    assert torchvision_url(VGG16).endswith('/vgg16-397923af.pth')
    assert torchvision_url('modelzoo://vgg16') == torchvision_url(VGG16)


def test_what_was_fetched_is_loaded(cache: Path) -> None:
    path = cached_file(torchvision_url(VGG16))
    assert path.parent == cache
    torch.save({'weight': torch.ones(2)}, path)
    found = CheckpointLoader.load_checkpoint(VGG16, 'cpu')
    assert found['weight'].tolist() == [1, 1]


@pytest.mark.parametrize('name', [VGG16, 'torchvision://resnet50'])
def test_without_a_network_the_place_of_the_file_is_said(
    name: str, cache: Path
) -> None:
    with pytest.raises(WeightsNotHereError, match='no route') as error:
        CheckpointLoader.load_checkpoint(name, 'cpu')
    text = str(error.value)
    assert text.count('Remedy') == 1
    assert str(cache) in text and 'https://' in text
    with pytest.raises(WeightsNotHereError) as again:
        load_pretrained(nn.Linear(1, 1), name, {})
    assert str(again.value) == text


def test_a_damaged_download_is_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, **kwargs: Any) -> None:
        assert kwargs['check_hash'] and kwargs['weights_only']
        digest = hashlib.sha256(b'').hexdigest()
        raise RuntimeError(f'invalid hash value (expected "39", got {digest})')

    monkeypatch.setattr(torch.hub, 'load_state_dict_from_url', fetch)
    with pytest.raises(ValueError, match='is damaged'):
        CheckpointLoader.load_checkpoint(VGG16, 'cpu')


def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision_weights, '_all_names', dict)
    with pytest.raises(ValueError, match=r"no 'vgg61'.*Remedy"):
        CheckpointLoader.load_checkpoint('torchvision://vgg61', 'cpu')
