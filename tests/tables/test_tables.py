"""The rows say what the configs do, and the numbers are the paper's."""

from typing import Any

import pytest

from mmdet_ohem.tables import TABLES, Row
from mmdet_ohem.tables.run_plan import config_hash
from tests.configs.leaves import datasets_of
from tests.configs.leaves import load as load_leaf

NETS = {'VGGM': 'mmdet_ohem.VGGM', 'VGG16': 'mmdet_ohem.VGG16'}
ROWS = [
    pytest.param(row, id=f'{table.number}-{row.number}')
    for table in TABLES.values()
    for row in table.select(None)
]
ITERATIONS = {
    '07': (80000, [30000, 60000]),
    '12': (80000, [30000, 60000]),
    '07+12': (200000, [40000, 80000, 120000, 160000]),
    '07++12': (200000, [40000, 80000, 120000, 160000]),
    'train': (240000, [160000]),
    'trainval': (240000, [160000]),
}
LISTS = {
    '07': ['VOC2007/ImageSets/Main/trainval.txt'],
    '12': ['VOC2012/ImageSets/Main/trainval.txt'],
    '07+12': [
        'VOC2007/ImageSets/Main/trainval.txt',
        'VOC2012/ImageSets/Main/trainval.txt',
    ],
    '07++12': [
        'VOC2007/ImageSets/Main/trainval.txt',
        'VOC2007/ImageSets/Main/test.txt',
        'VOC2012/ImageSets/Main/trainval.txt',
    ],
    'train': ['annotations/instances_train2014.json'],
    'trainval': [
        'annotations/instances_train2014.json',
        'annotations/instances_val2014.json',
    ],
}


def load(row: Row) -> Any:
    return load_leaf(f'{row.config}.py')


@pytest.mark.parametrize('row', TABLES[1].rows, ids=lambda x: str(x.number))
def test_table_1_is_what_its_configs_do(row: Row) -> None:
    config, settings = load(row), row.settings
    num_images = int(settings['N'])
    rcnn = config.model.train_cfg.rcnn
    bg_lo = rcnn.assigner.neg_iou_thr
    assert config.model.backbone.type == NETS[settings['net']]
    assert config.train_dataloader.batch_size == num_images
    assert config.optim_wrapper.optimizer.lr == float(settings['LR'])
    assert rcnn.sampler.num * num_images == int(settings['B'])
    # A tuple: of a list mmdet makes no background at all.
    expected = (0.1, 0.5) if settings['bg_lo'] == '0.1' else 0.5
    assert (type(bg_lo), bg_lo) == (type(expected), expected)
    is_ohem = rcnn.sampler.type == 'mmdet_ohem.OHEMSampler'
    assert is_ohem == (settings['experiment'] == 'OHEM')
    assert rcnn.sampler.get('pos_fraction', 0.25) == 0.25


@pytest.mark.parametrize('number', [3, 4, 5])
def test_tables_3_to_5_are_what_their_configs_do(number: int) -> None:
    for row in TABLES[number].select(None):
        config, settings = load(row), row.settings
        sampler = config.model.train_cfg.rcnn.sampler.type
        assert (sampler == 'mmdet_ohem.OHEMSampler') == (
            'OHEM' in settings['method']
        )
        datasets = datasets_of(config.train_dataloader)
        train_set = settings['train set']
        assert [x.ann_file for x in datasets] == LISTS[train_set]
        for dataset in datasets:
            resize = dataset.pipeline[3].transforms[1].type
            assert ('+M' in settings['extras']) == (
                resize == 'RandomChoiceResize'
            )
        hooks = [x.type for x in config.custom_hooks]
        assert ('+M' in settings['extras']) == (
            config.test_cfg.type == 'mmdet_ohem.MultiScaleTestLoop'
        )
        assert ('+B' in settings['extras']) == (
            'mmdet_ohem.IterativeBBoxVotingHook' in hooks
        )


@pytest.mark.parametrize('number', [3, 4, 5])
def test_schedules_are_those_of_the_training_sets(number: int) -> None:
    for row in TABLES[number].select(None):
        if '2015' in str(row.config):
            continue
        config = load(row)
        (schedule,) = config.param_scheduler
        iterations, drops = ITERATIONS[row.settings['train set']]
        assert config.train_cfg.max_iters == iterations
        assert schedule.milestones == drops


@pytest.mark.parametrize('row', ROWS)
def test_the_mean_is_that_of_the_classes(row: Row) -> None:
    values = list(row.paper.values())
    if len(values) == 21:
        # Each is rounded to .1.
        assert values[0] == pytest.approx(sum(values[1:]) / 20, abs=0.1)


def test_no_two_configs_are_the_same() -> None:
    hashes: dict[str, str] = {}
    for table in TABLES.values():
        for row in table.select(None):
            same = hashes.setdefault(config_hash(load(row)), str(row.config))
            assert same == row.config


def test_a_table_says_which_rows_it_has() -> None:
    assert [x.number for x in TABLES[1].select([13, 2])] == [13, 2]
    assert len(TABLES[1].select(None)) == 13
    with pytest.raises(ValueError, match='no row 14'):
        TABLES[1].select([2, 14])
    with pytest.raises(ValueError, match='quotes another method'):
        TABLES[3].select([5])
