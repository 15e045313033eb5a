"""Checkpoints are found, and torn ones never pass for whole."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mmdet_ohem.runs.checkpoints import (
    load_weights,
    select_checkpoints,
)
from mmdet_ohem.runs.config_file import read_config
from mmdet_ohem.runs.last_checkpoint import last_checkpoint
from mmdet_ohem.runs.torn_checkpoints import (
    TornCheckpointError,
    find_flaw,
    refuse_torn,
)
from mmdet_ohem.runs.work_dir import WorkDir
from tests.runs.torn import (
    TORN,
    hear_warnings,
    lose_a_block,
    write_checkpoint,
)


def work_dir(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        if name.endswith('.pth'):
            write_checkpoint(folder / name)
        else:
            text = 'a = 1' if name.endswith('.py') else ''
            (folder / name).write_text(text)
    return folder


def open_run(folder: Path, numbers: Any = None) -> tuple[Path, ...]:
    run = WorkDir(folder)
    assert run.config.a == 1
    return run.select_checkpoints(numbers)


def test_checkpoints_are_found_in_order(tmp_path: Path) -> None:
    numbers = ['iter_1000.pth', 'iter_200.pth', 'iter_90.pth']
    others = ['last_checkpoint', 'best_mAP_iter_5.pth', 'iter_7.pth.tmp']
    folder = work_dir(tmp_path / 'run', 'x.py', *numbers, *others)
    assert [path.name for path in open_run(folder)] == numbers[::-1]


def test_checkpoints_can_be_chosen(tmp_path: Path) -> None:
    folder = work_dir(
        tmp_path / 'run', 'x.py', 'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'
    )
    chosen = open_run(folder, [3, 1])
    assert [path.name for path in chosen] == ['epoch_1.pth', 'epoch_3.pth']


@pytest.mark.parametrize(
    ('names', 'numbers', 'message'),
    [
        (['iter_1.pth'], None, r'no config.*work dir'),
        (['a.py', 'b.py', 'iter_1.pth'], None, r'several configs \(a.py, b'),
        (['a.py'], None, r'no checkpoint \(iter_.*Remedy'),
        (['a.py', 'iter_1.pth'], [1, 7], r'no checkpoint 7, only 1'),
    ],
)
def test_what_is_missing_is_named(
    names: list[str], numbers: Any, message: str, tmp_path: Path
) -> None:
    folder = work_dir(tmp_path / 'run', *names)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        open_run(folder, numbers)


def test_modules_of_a_config_are_imported_where_it_is_to_be_built(
    tmp_path: Path,
) -> None:
    text = "custom_imports = dict(imports=['no_such_module'])"
    (tmp_path / 'x.py').write_text(text)
    assert WorkDir(tmp_path).config.custom_imports
    with pytest.raises(ImportError, match='no_such_module'):
        _ = WorkDir(tmp_path, import_custom_modules=True).config
    with pytest.raises(ImportError, match='no_such_module'):
        read_config(tmp_path)


@pytest.mark.parametrize('tear', TORN.values(), ids=TORN)
def test_a_torn_checkpoint_is_left_out_and_named(
    tear: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = hear_warnings(monkeypatch)
    folder = work_dir(tmp_path / 'run', 'iter_1.pth', 'iter_2.pth')
    torn = folder / 'iter_2.pth'
    tear(torn)
    assert find_flaw(torn) is not None
    assert [x.name for x in select_checkpoints(folder)] == ['iter_1.pth']
    assert last_checkpoint(folder) == folder / 'iter_1.pth'
    assert len(messages) == 2
    assert all(f'{torn} is ' in x and 'Remedy' in x for x in messages)
    with pytest.raises(TornCheckpointError, match=r'iter_2\.pth.*Remedy'):
        select_checkpoints(folder, [1, 2])
    with pytest.raises(TornCheckpointError, match=r'iter_2\.pth'):
        load_weights(nn.Linear(30, 30), torn)


def test_a_folder_of_torn_ones_is_one_without(tmp_path: Path) -> None:
    folder = work_dir(tmp_path / 'run', 'iter_1.pth', 'iter_2.pth')
    for path in folder.iterdir():
        path.write_bytes(b'')
    assert last_checkpoint(folder) is None
    with pytest.raises(FileNotFoundError, match=r'no whole.* 1, 2 are torn'):
        select_checkpoints(folder)


def test_a_lost_block_is_found_before_weights_are_taken(
    tmp_path: Path,
) -> None:
    folder = work_dir(tmp_path / 'run', 'iter_1.pth', 'iter_2.pth')
    torn = folder / 'iter_2.pth'
    lose_a_block(torn)
    # torch itself takes the zeros for weights.
    torch.load(torn, weights_only=True)
    # Only reading all of it tells.
    assert find_flaw(torn) is None
    assert 'checksum' in str(find_flaw(torn, thorough=True))
    assert last_checkpoint(folder) == folder / 'iter_1.pth'
    with pytest.raises(TornCheckpointError, match=r'iter_2\.pth is torn'):
        load_weights(nn.Linear(30, 30), torn)


def test_a_file_cut_anywhere_is_torn(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / 'iter_1.pth')
    whole = path.read_bytes()
    assert find_flaw(path, thorough=True) is None
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:size])
        assert find_flaw(path) is not None, size
        with pytest.raises(TornCheckpointError):
            refuse_torn(path)


def test_weights_and_iteration_are_those_of_the_file(tmp_path: Path) -> None:
    detector = nn.Linear(30, 30)
    path = tmp_path / 'iter_7.pth'
    torch.save(
        dict(meta=dict(iter=6), state_dict=nn.Linear(30, 30).state_dict()),
        path,
    )
    assert load_weights(detector, path) == 6
    saved = torch.load(path)['state_dict']
    assert torch.equal(detector.weight, saved['weight'])
    with pytest.raises(ValueError, match=r'iter_7\.pth does not fit'):
        load_weights(nn.Linear(3, 3), path)
