"""A small checkpoint cannot ask for much memory."""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mmdet_ohem.host.checkpoint_claims import refuse_claims
from mmdet_ohem.host.checkpoints import read_checkpoint

HUGE = 800_000_000
HUGE_OPCODE = b'J' + struct.pack('<i', HUGE)


def old_format(content: Any, path: Path) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


def rewritten(
    content: Any,
    path: Path,
    change: Callable[[bytes], bytes] = lambda data: data,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """An archive as torch writes it, with another pickle in it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with (
        zipfile.ZipFile(buffer) as source,
        zipfile.ZipFile(path, 'w', compression) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            is_pickle = name.endswith('data.pkl')
            target.writestr(name, change(data) if is_pickle else data)
    return path


def calls(opcodes: bytes) -> Callable[[bytes], bytes]:
    return lambda data: b'\x80\x02' + opcodes + b'.'


RECONSTRUCT = b'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n'
HOSTILE = {
    'tensor': calls(b'ctorch\nTensor\n' + HUGE_OPCODE + b'\x85R'),
    'shape': calls(b'ctorch\nTensor\nM\xff\xffM\xff\xff\x86R'),
    'bytearray': calls(b'cbuiltins\nbytearray\n' + HUGE_OPCODE + b'\x85R'),
    'new': calls(b'ctorch\nTensor\n' + HUGE_OPCODE + b'\x85\x81'),
    'array': calls(RECONSTRUCT + HUGE_OPCODE + b'\x85U\x01b\x87R'),
    'storage': lambda data: data.replace(b'K\x04tq', HUGE_OPCODE + b'tq'),
}


@pytest.mark.parametrize('name', HOSTILE)
def test_a_size_beyond_the_file_is_refused(name: str, tmp_path: Path) -> None:
    content = dict(w=torch.zeros(4))
    path = rewritten(content, tmp_path / 'a.pth', HOSTILE[name])
    assert path.stat().st_size < 2000
    with pytest.raises(ValueError, match=r'a\.pth has \d+ bytes, but'):
        read_checkpoint(path)


def test_the_old_format_is_refused_as_well(tmp_path: Path) -> None:
    path = old_format(dict(w=torch.zeros(4)), tmp_path / 'a.pth')
    data = path.read_bytes()
    assert b'K\x04Nt' in data
    path.write_bytes(data.replace(b'K\x04Nt', HUGE_OPCODE + b'Nt'))
    with pytest.raises(ValueError, match=r'a\.pth has \d+ bytes, but'):
        read_checkpoint(path)


def test_records_that_unpack_to_more_are_refused(tmp_path: Path) -> None:
    path = rewritten(
        dict(w=torch.zeros(10**6)),
        tmp_path / 'a.pth',
        compression=zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 10**4
    with pytest.raises(ValueError, match=r'unpack to 4\d{6} bytes'):
        read_checkpoint(path)


def test_many_storages_of_one_file_are_added_up(tmp_path: Path) -> None:
    content = {str(i): torch.zeros(100) for i in range(10)}
    path = old_format(content, tmp_path / 'a.pth')
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r'a\.pth has 2000 bytes, but'):
        read_checkpoint(path)


def test_an_archive_behind_the_old_format_hides_nothing(
    tmp_path: Path,
) -> None:
    good = rewritten(dict(w=torch.zeros(4)), tmp_path / 'good.pth')
    path = old_format(dict(w=torch.zeros(4)), tmp_path / 'a.pth')
    data = path.read_bytes().replace(b'K\x04Nt', HUGE_OPCODE + b'Nt')
    path.write_bytes(data + good.read_bytes())
    with pytest.raises(ValueError, match=r'a\.pth has \d+ bytes, but'):
        read_checkpoint(path)


TENSORS = {
    'expanded': torch.ones(1).expand(10**6),
    'a part': torch.zeros(100)[3:5],
    'many dimensions': torch.zeros(2, 3, 4, 5, 6, 7),
    'empty': torch.zeros(0, 10**9),
    'half': torch.zeros(3).half(),
    'parameter': nn.Parameter(torch.zeros(3)),
    'bytes': torch.frombuffer(bytearray(b'abc'), dtype=torch.uint8),
    'sparse': torch.eye(3).to_sparse(),
}


@pytest.mark.parametrize('name', TENSORS)
@pytest.mark.parametrize('new', [True, False])
def test_true_tensors_are_read(name: str, new: bool, tmp_path: Path) -> None:
    torch.save(
        dict(w=TENSORS[name]),
        tmp_path / 'a.pth',
        _use_new_zipfile_serialization=new,
    )
    found = read_checkpoint(tmp_path / 'a.pth')['w']
    assert torch.equal(found.to_dense(), TENSORS[name].to_dense())


def test_numbers_beyond_the_size_of_the_file_are_no_sizes(
    tmp_path: Path,
) -> None:
    content = dict(seed=2**63, step=np.int64(10**12), state=(3, (2**40,) * 9))
    torch.save(content, tmp_path / 'a.pth')
    assert read_checkpoint(tmp_path / 'a.pth') == content


@pytest.mark.parametrize(
    'data',
    [b'', b'<html>', b'PK\x03\x04' + b'0' * 99, pickle.dumps(1)],
    ids=['empty', 'html', 'no archive', 'pickle'],
)
def test_what_is_no_checkpoint_is_named(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'a.pth'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r'a\.pth is not a checkpoint'):
        refuse_claims(path)


def test_a_cut_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'a.pth'
    torch.save(dict(w=torch.zeros(1000)), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r'a\.pth is not a checkpoint.*cut'):
        refuse_claims(path)
