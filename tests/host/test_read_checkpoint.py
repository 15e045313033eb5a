"""Weights are read, what could run is not, by whatever reads them."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmdet_ohem.host.checkpoints import (
    UnsafeCheckpointError,
    protect_mmengine,
    read_checkpoint,
)
from tests.host.test_checkpoints import message_hub
from tests.safety.attack import Attack


def saved(content: Any, path: Path, **keys: Any) -> Path:
    torch.save(content, path / 'a.pth', **keys)
    return path / 'a.pth'


def by_mmengine(path: Path) -> Any:
    return CheckpointLoader.load_checkpoint(str(path), 'cpu')


def into_a_model(path: Path) -> Any:
    return load_checkpoint(nn.Linear(2, 1), str(path), map_location='cpu')


READERS = [read_checkpoint, by_mmengine, into_a_model]


@pytest.fixture(params=[True, False], ids=['archive', 'old format'])
def new_format(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.mark.parametrize('read', READERS)
def test_weights_and_logs_are_read(
    read: Any, tmp_path: Path, new_format: bool
) -> None:
    layer = nn.Linear(2, 1)
    content = dict(
        state_dict=layer.state_dict(),
        message_hub=message_hub().state_dict(),
        meta=dict(iter=3, seed=2**62, classes=('cat',)),
    )
    path = saved(content, tmp_path, _use_new_zipfile_serialization=new_format)
    found = read(path)
    assert torch.equal(found['state_dict']['weight'], layer.weight)
    assert found['meta'] == content['meta']
    assert list(found['message_hub']['log_scalars'])


@pytest.mark.parametrize('read', READERS)
def test_code_is_not_run(
    read: Any,
    tmp_path: Path,
    new_format: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What torch before 2.6 does when it is not told otherwise.
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    mark = tmp_path / 'mark'
    content = dict(state_dict=nn.Linear(2, 1).state_dict(), x=Attack(mark))
    path = saved(content, tmp_path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(UnsafeCheckpointError) as error:
        read(path)
    assert not mark.exists()
    message = str(error.value)
    assert message.startswith(f'{path} asks for ')
    assert 'mkdir' in message or 'whose module' in message
    assert 'weights_only' not in message
    torch.load(path, weights_only=False)
    assert mark.exists()


def test_a_pickle_that_is_called_pth_is_not_run(tmp_path: Path) -> None:
    mark, path = tmp_path / 'mark', tmp_path / 'a.pth'
    path.write_bytes(pickle.dumps(Attack(mark)))
    with pytest.raises(ValueError, match=r'a\.pth'):
        read_checkpoint(path)
    assert not mark.exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.pth cannot be found'):
        by_mmengine(tmp_path / 'no.pth')


def test_fetched_weights_are_read_with_the_protection_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / 'mark'
    (tmp_path / 'hub').mkdir()
    saved(Attack(mark), tmp_path / 'hub')
    # It is there already, so that nothing is fetched.
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'hub').rename(tmp_path / 'checkpoints')
    with pytest.raises(pickle.UnpicklingError):
        by_mmengine_from_network('https://example.invalid/a.pth')
    assert not mark.exists()


def by_mmengine_from_network(url: str) -> Any:
    return CheckpointLoader.load_checkpoint(url, 'cpu')


def test_protecting_twice_is_protecting_once() -> None:
    before = mmengine_checkpoint.load_url
    protect_mmengine()
    assert mmengine_checkpoint.load_url is before
    assert before.keywords == {'weights_only': True}
