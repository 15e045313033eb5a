"""Files written byte by byte are read back; damaged ones are refused."""

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_ohem.weights import caffemodel as module
from mmdet_ohem.weights import read_caffemodel
from tests.weights.caffe_writer import block, caffemodel

pytest.importorskip('google.protobuf')


@pytest.fixture
def layers() -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    return {
        'conv1': [
            rng.standard_normal((4, 3, 5, 2), np.float32),
            rng.standard_normal(4, np.float32),
        ],
        'fc6': [
            rng.standard_normal((200, 7), np.float32),
            rng.standard_normal(200, np.float32),
        ],
    }


@pytest.mark.parametrize('double', [False, True])
@pytest.mark.parametrize('old', [False, True])
def test_layers_with_parameters_are_read(
    old: bool, double: bool, layers: dict, tmp_path: Path
) -> None:
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(caffemodel(layers, old, double))
    found = read_caffemodel(path)
    assert list(found) == list(layers)
    for name, arrays in layers.items():
        for array, blob in zip(arrays, found[name], strict=True):
            ones = (1,) * (4 - array.ndim) if old else ()
            assert blob.shape == ones + array.shape
            assert blob.dtype == np.float32
            assert np.array_equal(blob.reshape(array.shape), array)
            assert blob.flags.writeable


def test_data_in_several_packets_are_joined(tmp_path: Path) -> None:
    values = np.arange(6, dtype='<f4')
    packets = block(5, values[:4].tobytes()) + block(5, values[4:].tobytes())
    blob = block(7, block(1, bytes([2, 3]))) + packets
    layer = block(1, b'fc') + block(7, blob)
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(block(100, layer))
    assert np.array_equal(
        read_caffemodel(path)['fc'][0], [[0, 1, 2], [3, 4, 5]]
    )


@pytest.mark.parametrize('share', [0.2, 0.5, 0.999])
def test_a_file_cut_off_is_refused(
    share: float, layers: dict, tmp_path: Path
) -> None:
    content = caffemodel(layers)
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r'net\.caffemodel \(\d+ bytes\)'):
        read_caffemodel(path)


@pytest.mark.parametrize(
    'content',
    [
        b'<html><body>404: not found</body></html>',
        b'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
        b'PK\x03\x04 a checkpoint of torch',
        b'\x89HDF\r\n\x1a\n',
        bytes(range(256)),
    ],
)
def test_other_files_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'not a \.caffemodel'):
        read_caffemodel(path)


@pytest.mark.parametrize('content', [b'', block(1, b'only a name')])
def test_a_file_without_parameters_is_refused(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='holds no layer with parameters'):
        read_caffemodel(path)


def test_a_blob_that_contradicts_its_shape_is_named(tmp_path: Path) -> None:
    blob = block(7, block(1, bytes([2, 3]))) + block(5, bytes(20))
    path = tmp_path / 'net.caffemodel'
    path.write_bytes(block(100, block(1, b'fc7') + block(7, blob)))
    message = r'blob 0 of layer fc7 has .*\(2, 3\), of 6 values, but 20'
    with pytest.raises(ValueError, match=message):
        read_caffemodel(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='none'):
        read_caffemodel(tmp_path / 'none.caffemodel')


def test_without_protobuf_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    genuine = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith('google'):
            raise ImportError(name)
        return genuine(name, *args, **kwargs)

    module._net_class.cache_clear()
    monkeypatch.setattr(builtins, '__import__', refuse)
    with pytest.raises(ImportError, match='pip install protobuf'):
        read_caffemodel(tmp_path / 'net.caffemodel')
