"""Numbers are read from a pickle, code of it is not run."""

import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmdet_ohem.host.number_pickles import load_numbers
from tests.host.attack import Attack

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def load(value: Any, protocol: int = 4) -> Any:
    return load_numbers(io.BytesIO(pickle.dumps(value, protocol)))


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_arrays_and_tensors_are_as_they_were(protocol: int) -> None:
    arrays: list[Any] = [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.linspace(0, 1, 5).reshape(5, 1),
        np.array([True, False]),
        np.array(['a', 'bc']),
        np.zeros((0, 4), np.float32),
    ]
    tensors = [
        torch.rand(3, 4)[1:],
        torch.tensor(3),
        torch.zeros(0, 4),
        torch.tensor([True]),
        torch.rand(2).half(),
        torch.rand(2).bfloat16(),
    ]
    for value in arrays:
        found = load(value, protocol)
        assert found.dtype == value.dtype and np.array_equal(found, value)
    for tensor in tensors:
        found = load(tensor, protocol)
        assert found.dtype == tensor.dtype and torch.equal(found, tensor)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_plain_values_are_as_they_were(protocol: int) -> None:
    value = [
        {'a': (1, 2.5, None, True), 'b': b'bytes', 'c': 'text'},
        OrderedDict(x=np.float32(2), y=np.int64(3)),
        torch.Size([1, 2]),
        torch.device('cpu'),
        {1, 2},
        complex(1, 2),
    ]
    assert load(value, protocol) == value


@pytest.mark.parametrize('where', ['pickle', 'storage', 'array'])
def test_code_is_not_run(where: str, tmp_path: Path) -> None:
    touched = tmp_path / 'touched'
    attack: Any = Attack(os.mkdir, str(touched))
    if where == 'storage':
        # Through the function with which torch reads a tensor of a pickle.
        path = tmp_path / 'storage'
        torch.save(attack, path, _use_new_zipfile_serialization=False)
        function: Any = torch.storage._load_from_bytes
        attack = Attack(function, path.read_bytes())
    if where == 'array':
        attack = np.array([attack], dtype=object)
    data = pickle.dumps([attack])
    with pytest.raises(ValueError, match=r'asks for|holds other things'):
        load_numbers(io.BytesIO(data))
    assert not touched.exists()
    # The attack is a real one.
    pickle.loads(data)
    assert touched.exists()


@pytest.mark.parametrize('content', [b'', b'<html>', pickle.dumps([1])[:-1]])
def test_what_is_broken_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r'.'):
        load_numbers(io.BytesIO(content))
