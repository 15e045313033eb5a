"""What makes two trainings the same."""

import os
from pathlib import Path
from typing import Any

import pytest

from mmdet_ohem.guard.fingerprint import changes, fingerprint


def config_of(folder: Path, **loader: Any) -> dict[str, Any]:
    dataset = dict(
        data_root=str(folder), ann_file='list.txt', proposal_file='boxes.pkl'
    )
    return dict(
        model=dict(backbone=dict(depth=18), stds=[0.1, 0.2]),
        train_dataloader=dict(batch_size=2, dataset=dataset) | loader,
        train_cfg=dict(max_iters=10),
        param_scheduler=[dict(type='LinearLR', end=3)],
        work_dir='anything',
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'list.txt').write_text('a\nb\n')
    with (tmp_path / 'boxes.pkl').open('wb') as file:
        file.truncate(2**20 + 1)
    return tmp_path


def test_the_same_is_the_same(folder: Path) -> None:
    before = fingerprint(config_of(folder), seed=1)
    os.utime(folder / 'list.txt', (5, 5))
    other = config_of(folder) | dict(work_dir='elsewhere')
    assert changes(before, fingerprint(other, seed=1)) == []


def test_values_of_the_config_are_named_with_both(folder: Path) -> None:
    before = fingerprint(config_of(folder), seed=1, processes=1)
    config = config_of(folder, batch_size=4, num_workers=2)
    config['model']['stds'] = [0.1, 0.3]
    config['train_cfg']['max_iters'] = 20
    config['param_scheduler'].append(dict(type='MultiStepLR'))
    now = fingerprint(config, seed=2, processes=1)
    assert changes(before, now) == [
        'seed: 1 before, 2 now',
        'model.stds: [0.1, 0.2] before, [0.1, 0.3] now',
        'train_dataloader.batch_size: 2 before, 4 now',
        'train_dataloader.num_workers: nothing before, 2 now',
        # Those of the schedule last.
        'train_cfg.max_iters: 10 before, 20 now',
        'param_scheduler.1.type: nothing before, MultiStepLR now',
    ]


@pytest.mark.parametrize('file', ['list.txt', 'boxes.pkl'])
def test_files_are_looked_at(file: str, folder: Path) -> None:
    before = fingerprint(config_of(folder))
    path = folder / file
    data = path.read_bytes()
    path.write_bytes(b'x' + data[1:])  # of the same size
    (line,) = changes(before, fingerprint(config_of(folder)))
    assert line.startswith(f'file {file}: {len(data)} bytes')
    path.unlink()
    (line,) = changes(before, fingerprint(config_of(folder)))
    assert line.endswith('missing now')


def test_files_of_all_parts_of_a_union_are_found(folder: Path) -> None:
    parts = [dict(data_root=str(folder), ann_file=x) for x in ('a', 'b')]
    config = config_of(folder)
    config['train_dataloader']['dataset'] = dict(datasets=parts)
    found = fingerprint(config)
    assert {'file a', 'file b'} <= found.keys()
