"""Work dirs, their names in a legend, and results on disk."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.figure3.checkpoint_loss import CheckpointLoss, result_path
from mmdet_ohem.runs.labels import label_runs
from mmdet_ohem.runs.trained_run import open_run
from tests.figure3.runs import CONFIGS

RESULT = CheckpointLoss(
    checkpoint='iter_2.pth',
    iteration=2,
    num_images=3,
    seconds=0.1,
    sums=[[[3.0, 1.0, math.pi, 1 / 3]] * 3],
)


def work_dir(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        text = 'a = 1' if name.endswith('.py') else ''
        (folder / name).write_text(text)
    return folder


def test_checkpoints_are_found_in_order(tmp_path: Path) -> None:
    numbers = ['iter_1000.pth', 'iter_200.pth', 'iter_90.pth']
    others = ['last_checkpoint', 'best_mAP_iter_5.pth', 'iter_7.pth.tmp']
    run = open_run(work_dir(tmp_path / 'run', 'x.py', *numbers, *others))
    assert [path.name for path in run.checkpoints] == numbers[::-1]
    assert run.config.a == 1


def test_checkpoints_can_be_chosen(tmp_path: Path) -> None:
    folder = work_dir(
        tmp_path / 'run', 'x.py', 'epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'
    )
    chosen = open_run(folder, [3, 1]).checkpoints
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


def labels(*names: str) -> list[str]:
    configs = [Config.fromfile(CONFIGS / f'{name}.py') for name in names]
    return label_runs(
        configs, [Path('runs') / f'seed{i}' for i in range(9)][: len(names)]
    )


def test_runs_are_named_by_what_sets_them_apart() -> None:
    assert labels(
        'fast_rcnn_vgg16_voc07',
        'fast_rcnn_vgg16_bg0_voc07',
        'fast_rcnn_vgg16_b2048_voc07',
        'fast_rcnn_vgg16_ohem_voc07',
    ) == [
        'random, bg_lo = 0.1, B/N = 64',
        'random, bg_lo = 0, B/N = 64',
        'random, bg_lo = 0, B/N = 1024',
        'OHEM, bg_lo = 0, B/N = 64',
    ]
    assert labels('fast_rcnn_vgg16_voc07', 'fast_rcnn_vgg16_n1_voc07') == [
        'random, B/N = 64, N = 2',
        'random, B/N = 128, N = 1',
    ]
    assert labels('fast_rcnn_vgg16_voc07') == ['random']


def test_runs_of_one_config_are_named_by_their_folders() -> None:
    assert labels(*['fast_rcnn_vgg16_ohem_voc07'] * 2) == [
        'OHEM (seed0)',
        'OHEM (seed1)',
    ]


def test_a_cascade_is_named_by_its_first_stage() -> None:
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    config.model.train_cfg.rcnn = [config.model.train_cfg.rcnn] * 3
    assert label_runs([config], [Path('x')]) == ['random']


def test_a_result_is_the_same_when_read_back(tmp_path: Path) -> None:
    path = tmp_path / 'new' / 'x.json'
    assert CheckpointLoss.load(path) is None
    RESULT.save(path)
    assert CheckpointLoss.load(path) == RESULT
    assert [x.name for x in path.parent.iterdir()] == ['x.json']


def test_another_file_is_no_result(tmp_path: Path) -> None:
    for text in ('{"a": 1}', '{"checkp', '[]'):
        (tmp_path / 'x.json').write_text(text)
        with pytest.raises(ValueError, match=r'x\.json.*delete it'):
            CheckpointLoss.load(tmp_path / 'x.json')


def test_an_interrupted_save_leaves_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, 'replace', die)
    with pytest.raises(KeyboardInterrupt):
        RESULT.save(tmp_path / 'x.json')
    assert CheckpointLoss.load(tmp_path / 'x.json') is None


def test_results_are_kept_by_checkpoint_and_settings(tmp_path: Path) -> None:
    checkpoint = tmp_path / 'iter_1.pth'
    checkpoint.write_text('weights')
    os.utime(checkpoint, ns=(0, 10**18))

    def path(**settings: object) -> Path:
        return result_path(tmp_path, checkpoint, settings)

    first = path(max_images=3)
    assert path(max_images=3) == first
    assert path(max_images=None) != first
    # Trained anew: of the same size, in the same place.
    os.utime(checkpoint, ns=(0, 2 * 10**18))
    assert path(max_images=3) != first


def test_means_come_from_the_sums() -> None:
    assert RESULT.means[0].cls == math.pi / 3
    assert json.dumps(RESULT.sums)
