"""Numbers are read from a pickle, code of it is not run."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmdet_ohem.host.safe_pickle import UnsafePickleError, load, read_pickles
from tests.safety.attack import Attack, would_run

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def load_bytes(data: bytes) -> Any:
    return load(io.BytesIO(data), 'a.pkl')


def through(value: Any, protocol: int = 4) -> Any:
    return load_bytes(pickle.dumps(value, protocol))


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize(
    'value',
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype='>f4'),
        np.linspace(0, 1, 5).reshape(5, 1),
        np.array([True, False]),
        np.array(['a', 'bc']),
        np.array(3.5),
        np.zeros((0, 4), np.float32),
    ],
    ids=lambda x: f'{x.dtype}{x.shape}',
)
def test_arrays_are_as_they_were(value: np.ndarray, protocol: int) -> None:
    found = through(value, protocol)
    assert type(found) is np.ndarray
    # In the machine's byte order, as numpy itself reads them.
    assert found.dtype == value.dtype.newbyteorder('=')
    assert found.flags.writeable
    np.testing.assert_array_equal(found, value)


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize(
    'tensor',
    [
        torch.arange(12.0).reshape(3, 4)[1:],
        torch.arange(12).reshape(3, 4).T,
        torch.tensor(3),
        torch.zeros(0, 4),
        torch.tensor([True]),
        torch.tensor([1, 2]).half(),
        torch.tensor([1, 2]).bfloat16(),
    ],
    ids=lambda x: f'{x.dtype}{tuple(x.shape)}',
)
def test_tensors_are_as_they_were(tensor: torch.Tensor, protocol: int) -> None:
    found = through(tensor, protocol)
    assert found.dtype == tensor.dtype
    assert torch.equal(found, tensor)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_plain_values_are_as_they_were(protocol: int) -> None:
    value = [
        {'a': (1, 2.5, None, True, 2**70), 'b': b'bytes', 'c': 'text'},
        OrderedDict(x=np.float32(2), y=np.int64(3), z=np.bool_(True)),
        torch.Size([1, 2]),
        torch.device('cpu'),
        {1, 2},
        frozenset({3}),
        complex(1, 2),
        b'',
    ]
    assert through(value, protocol) == value


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_instances_of_mmengine_become_dicts(protocol: int) -> None:
    instances = InstanceData(metainfo=dict(seen=1))
    instances.bboxes = np.ones((2, 4), np.float32)
    instances.scores = torch.ones(2)
    (found,) = through({'a/b.jpg': instances}, protocol).values()
    assert list(found) == ['bboxes', 'scores']
    assert found['bboxes'].shape == (2, 4)
    assert torch.equal(found['scores'], torch.ones(2))
    assert through(InstanceData(), protocol) == {}


def test_what_occurs_twice_is_one_object() -> None:
    array = np.arange(3)
    value = {'one': array, 'in': (array, [array])}
    found = through(value)
    assert found['one'] is found['in'][0] is found['in'][1][0]


def test_a_list_in_itself_is_read() -> None:
    value: list[Any] = [np.arange(2)]
    value.append(value)
    found = through(value)
    assert found[1] is found


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_code_is_not_run(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / 'mark'
    data = pickle.dumps({'boxes': [Attack(mark)]}, protocol)
    with pytest.raises(UnsafePickleError) as error:
        load_bytes(data)
    assert not mark.exists()
    message = str(error.value)
    assert message.startswith(f'a.pkl asks for {os.name}')
    assert '.mkdir' in message
    assert 'Remedy: ' in message
    assert would_run(data, mark)


def test_code_in_an_array_of_objects_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    data = pickle.dumps(np.array([Attack(mark)], dtype=object))
    with pytest.raises(ValueError, match=r'a\.pkl'):
        load_bytes(data)
    assert not mark.exists()
    assert would_run(data, mark)


def test_code_in_the_storage_of_a_tensor_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    path = tmp_path / 'storage'
    torch.save(Attack(mark), path, _use_new_zipfile_serialization=False)
    function: Any = torch.storage._load_from_bytes
    data = pickle.dumps(Calls(function, path.read_bytes()))
    assert would_run(data, mark)
    # The bytes are read when a tensor is made of them, and only then.
    assert load_bytes(data) == path.read_bytes()
    rebuild: Any = torch._utils._rebuild_tensor_v2
    hostile = Calls(function, path.read_bytes())
    tensor = Calls(rebuild, hostile, 0, (1,), (1,), False, OrderedDict())
    with pytest.raises(ValueError, match='a tensor asks for'):
        through(tensor)
    assert not mark.exists()


class Calls:
    """Asks the reader to call a function."""

    def __init__(self, function: Callable, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> tuple[Callable, tuple]:
        return self.call


@pytest.mark.parametrize(
    'value',
    [
        Fraction(1, 2),
        Path('x'),
        np.random.default_rng(0),
        torch.nn.ReLU(),
        torch.nn.Parameter(torch.ones(1)),
        np.dtype,
        Calls(getattr, dict, 'fromkeys'),
        Calls(bytearray, 10**9),
        Calls(np.zeros, 10**9),
        Calls(__import__, 'antigravity'),
    ],
    ids=lambda x: str(getattr(x, 'call', type(x).__name__)),
)
def test_other_classes_and_functions_are_refused(value: Any) -> None:
    if value is np.dtype:
        value = [np.dtype, np.memmap]
    with pytest.raises(UnsafePickleError, match='asks for'):
        through(value)


@pytest.mark.parametrize(
    'value',
    [
        np.array([(1, 2)], dtype='i4,i4'),
        np.array(['2026-11-25'], dtype='M8[D]'),
        np.array([{}]),
        np.array([1]).view(np.recarray),
    ],
    ids=lambda x: str(x.dtype),
)
def test_arrays_of_other_things_are_refused(value: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'^a\.pkl'):
        through(value)


def attributes_of(name: str) -> bytes:
    """Sets an attribute of what a name stands for."""
    module, _, attribute = name.rpartition('.')
    head = b'\x80\x02c' + f'{module}\n{attribute}\n'.encode()
    return head + b'N}X\x01\x00\x00\x00aK\x01s\x86b.'


@pytest.mark.parametrize(
    'name',
    [
        'numpy.ndarray',
        'numpy.dtype',
        'numpy.core.multiarray._reconstruct',
        'torch._utils._rebuild_tensor_v2',
        'mmengine.structures.instance_data.InstanceData',
        'collections.OrderedDict',
        '_codecs.encode',
    ],
)
def test_a_pickle_changes_nothing_that_it_names(name: str) -> None:
    with pytest.raises(ValueError, match=r'^a\.pkl'):
        load_bytes(attributes_of(name))


HUGE = 3_000_000_000
RECONSTRUCT: Any = np.ones(1).__reduce__()[0]
STORAGE: Any = torch.storage._load_from_bytes
CLAIMS = {
    'bytes': Calls(bytes, HUGE),
    'array': Calls(RECONSTRUCT, np.ndarray, (HUGE,), b'b'),
    'storage': Calls(STORAGE, HUGE),
}


@pytest.mark.parametrize('name', CLAIMS)
def test_nothing_is_allocated_that_the_file_does_not_hold(name: str) -> None:
    data = pickle.dumps(CLAIMS[name])
    if name == 'array':
        # Unfinished: there are no bytes for any shape.
        assert load_bytes(data) == {}
        return
    with pytest.raises(ValueError, match=r'^a\.pkl'):
        load_bytes(data)


def test_an_array_with_too_few_bytes_is_refused() -> None:
    data = pickle.dumps(np.zeros(5, np.int8), 2)
    assert b'K\x05\x85' in data
    huge = b'J' + struct.pack('<i', 2**31 - 1) + b'\x85'
    with pytest.raises(ValueError, match='has 5 bytes'):
        load_bytes(data.replace(b'K\x05\x85', huge))


@pytest.mark.parametrize(
    'data', [b'', b'<html>', pickle.dumps([1])[:-1], b'\x80\x04\x95']
)
def test_what_is_damaged_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r'a\.pkl is not a readable pickle'):
        load_bytes(data)


def test_a_pickle_behind_another_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / 'two.pkl'
    path.write_bytes(pickle.dumps({'a': 1}) + pickle.dumps({'b': 2}))
    assert read_pickles(path, at_most=2) == [{'a': 1}, {'b': 2}]
    with pytest.raises(ValueError, match=r'two\.pkl holds more behind'):
        read_pickles(path)


def test_code_behind_a_good_pickle_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    path = tmp_path / 'boxes.pkl'
    for good in range(1, 4):
        data = pickle.dumps({'a': 1}) * good + pickle.dumps(Attack(mark))
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r'boxes\.pkl'):
            read_pickles(path, at_most=2, remedy='make it again')
    assert not mark.exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.pkl'):
        read_pickles(tmp_path / 'no.pkl')
