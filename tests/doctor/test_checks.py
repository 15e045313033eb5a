"""What single checks say, by hand-worked cases."""

import importlib
import io
import urllib.request
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config

from mmdet_ohem.doctor import resources, software
from mmdet_ohem.doctor.finding import OK, checked, ok
from mmdet_ohem.doctor.resources import (
    check_disk,
    num_checkpoints,
    optimizer_states,
)
from mmdet_ohem.doctor.software import check_opencv, describe
from mmdet_ohem.doctor.weights import check_weights

GIB = 2**30
URL = 'https://host/weights-12ab.pth'


@pytest.mark.parametrize(
    ('free', 'level'), [(11, 'error'), (12, 'warning'), (18, 'ok')]
)
def test_the_disk_has_to_hold_all_that_is_kept(
    free: int, level: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resources, 'free_disk', lambda folder: free * GIB)
    found = check_disk(tmp_path, 4 * GIB, 3)
    assert found.level == level
    assert '3 checkpoints of 4.00 GiB' in found.text
    assert ('Remedy' in found.text) == (level != 'ok')


@pytest.mark.parametrize(
    ('hook', 'loop', 'number'),
    [
        (dict(interval=30, by_epoch=False), dict(max_iters=100), 4),
        (
            dict(interval=30, by_epoch=False, max_keep_ckpts=1),
            dict(max_iters=100),
            2,
        ),
        (
            dict(interval=30, by_epoch=False, max_keep_ckpts=9),
            dict(max_iters=100),
            4,
        ),
        (dict(interval=1), dict(max_epochs=12), 12),
        (dict(interval=1), dict(), None),
    ],
)
def test_checkpoints_on_the_disk(
    hook: dict, loop: dict, number: int | None
) -> None:
    config = Config(dict(default_hooks=dict(checkpoint=hook), train_cfg=loop))
    assert num_checkpoints(config) == number


@pytest.mark.parametrize(
    ('kind', 'states'), [('SGD', 1), ('AdamW', 2), ('Other', 2)]
)
def test_states_of_the_optimizer(kind: str, states: int) -> None:
    wrapper = dict(optimizer=dict(type=kind))
    assert optimizer_states(Config(dict(optim_wrapper=wrapper))) == states


def test_a_fork_is_named() -> None:
    name = describe('numpy', {'numpy': ['pytest']})
    assert name.endswith(f'(pytest {pytest.__version__})')
    assert '(' not in describe('numpy', {'numpy': ['numpy']})


@pytest.mark.parametrize(
    ('found', 'names', 'lines'),
    [
        ({}, ['opencv-python'], ['ok', 'warning']),
        ({}, ['opencv-python', 'opencv-contrib-python'], ['warning'] * 2),
    ],
)
def test_opencv_without_contrib(
    found: dict,
    names: list[str],
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cv2 = SimpleNamespace(__version__='4.9', **found)
    fake = SimpleNamespace(import_module=lambda name: cv2)
    monkeypatch.setattr(software, 'importlib', fake)
    said = list(check_opencv({'cv2': names}))
    assert [x.level for x in said] == lines
    assert 'opencv-contrib-python-headless' in said[-1].text


def test_ops_that_do_not_run_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ops = importlib.import_module('mmcv.ops')

    def fail(*args: Any) -> None:
        raise RuntimeError('not compiled')

    monkeypatch.setattr(ops, 'nms', fail)
    monkeypatch.setattr('mmdet_ohem.installation.fork_prefix', lambda: '')
    found = list(software.check_ops())
    assert {x.level for x in found} == {'error'}
    assert 'not compiled' in found[0].text
    assert "'mmcv>=2.1" in found[0].text.split('Remedy: ')[1]
    # Stock mmcv never goes over a fork.
    monkeypatch.setattr('mmdet_ohem.installation.fork_prefix', lambda: 'onedl')
    (found_in_fork, *_) = software.check_ops()
    remedy = found_in_fork.text.split('Remedy: ')[1]
    assert 'onedl-mmcv' in remedy and 'mmcv>=' not in remedy


def of(checkpoint: str) -> Config:
    weights_of = dict(type='Pretrained', checkpoint=checkpoint)
    return Config(
        dict(model=dict(neck=[dict(init_cfg=weights_of)]), load_from=None)
    )


def test_weights_that_were_fetched_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/weights-12ab.pth').write_bytes(b'PK')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (found,) = check_weights(of(URL))
    assert found.level == 'ok'
    assert 'fetched before' in found.text


@pytest.mark.parametrize(('reachable', 'level'), [(1, 'ok'), (0, 'error')])
def test_weights_in_a_network(
    reachable: int,
    level: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Answer(io.BytesIO):
        headers = Message()

    def urlopen(*args: Any, **kwargs: Any) -> Answer:
        if not reachable:
            raise OSError('no route')
        return Answer()

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(urllib.request, 'urlopen', urlopen)
    (found,) = check_weights(of(URL))
    assert found.level == level
    if not reachable:
        assert 'no route' in found.text
        key = 'model.neck[0].init_cfg.checkpoint'
        assert f'--cfg-options {key}=FILE' in found.text


def test_torchvisions_weights_need_no_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints/vgg16-397923af.pth').touch()
    (found,) = check_weights(of('torchvision://vgg16'))
    assert found.level == OK
    (found,) = check_weights(of('torchvision://vgg1600'))
    assert 'has no' in found.text


def test_an_exception_is_a_finding_after_what_was_found() -> None:
    def check() -> Any:
        yield ok('a', 'fine')
        raise ZeroDivisionError('a bug')

    found = checked('b', check)
    assert [x.level for x in found] == ['ok', 'error']
    assert found[1].text == 'ZeroDivisionError: a bug'
