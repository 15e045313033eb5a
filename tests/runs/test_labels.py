"""Names of runs in a legend."""

from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.runs.labels import label_runs
from tests.figure3.runs import CONFIGS


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


def test_all_rois_have_no_number() -> None:
    ohem, all_rois = (
        Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_ohem_voc07.py')
        for _ in range(2)
    )
    all_rois.model.train_cfg.rcnn.sampler.type = 'mmdet_ohem.AllRoISampler'
    ohem.model.train_cfg.rcnn.sampler.num = 32
    assert label_runs([ohem, all_rois], [Path('a'), Path('b')]) == [
        'OHEM, B/N = 32',
        'all RoIs',
    ]


def test_the_relatives_are_named() -> None:
    assert labels(
        'fast_rcnn_vgg16_ohem_voc07',
        'sppnet_vgg16_ohem_voc07',
        'mr_cnn_vgg16_ohem_voc07',
        'mr_cnn_vgg16_two_regions_ohem_voc07',
    ) == [
        'FastRCNN, OHEM',
        'SPPnet, OHEM',
        'MR-CNN, 10 regions, OHEM',
        'MR-CNN, 2 regions, OHEM',
    ]


def test_runs_of_one_config_are_named_by_their_folders() -> None:
    assert labels(*['fast_rcnn_vgg16_ohem_voc07'] * 2) == [
        'OHEM (seed0)',
        'OHEM (seed1)',
    ]


def test_a_cascade_is_named_by_its_first_stage() -> None:
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    config.model.train_cfg.rcnn = [config.model.train_cfg.rcnn] * 3
    assert label_runs([config], [Path('x')]) == ['random']


def test_runs_that_do_not_sample_are_named_by_their_folders() -> None:
    config = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_voc07.py')
    other = Config(dict(model=dict(type='RetinaNet')))
    folders = [Path('runs/a/seed0'), Path('runs/b')]
    assert label_runs([config, other], folders) == ['a/seed0', 'b']
