"""OHEM's settings, each changed by itself."""

from pathlib import Path
from typing import Any

import pytest
from mmdet.registry import MODELS

from mmdet_ohem.host.configs import load_config
from mmdet_ohem.tables import Row, find_table, plan_runs
from mmdet_ohem.tables.run_plan import config_hash, config_of
from mmdet_ohem.tables.variants_table import variants_table
from tests.configs.leaves import CONFIGS

ROWS = variants_table().rows
OHEM = load_config(CONFIGS / 'fast_rcnn_vgg16_ohem_voc07.py')


def config(row: Row, data: str = 'full') -> Any:
    (run,) = plan_runs(variants_table(), Path(), data, [row.number])
    return config_of(run, CONFIGS)


@pytest.mark.parametrize('row', ROWS, ids=lambda x: x.settings['OHEM'])
def test_a_row_differs_in_the_sampler_alone(row: Row) -> None:
    found, expected = config(row).to_dict(), OHEM.to_dict()
    samplers = [
        x['model']['train_cfg']['rcnn'].pop('sampler')
        for x in (found, expected)
    ]
    found['randomness'] = expected.get('randomness')
    assert found == {**expected, 'randomness': found['randomness']}
    # The first row is OHEM as it is.
    assert (samplers[0] == samplers[1]) == (row.number == 1)


@pytest.mark.parametrize('row', ROWS, ids=lambda x: x.settings['OHEM'])
def test_what_a_row_says_is_what_its_sampler_does(row: Row) -> None:
    model = config(row, 'demo').model
    for part in (model.backbone, model.roi_head.bbox_head):
        part.init_cfg = None
    model.feature_cache = None
    sampler = MODELS.build(model).roi_head.bbox_sampler
    assert 2 * sampler.num == int(row.settings['B'])
    assert sampler.rule.name == 'ohem'


def test_no_two_rows_share_a_run() -> None:
    runs = plan_runs(variants_table(), Path(), 'demo')
    assert len({run.folder for run in runs}) == len(ROWS)
    assert len({run.name for run in runs}) == len(ROWS)
    hashes = {config_hash(config(row, 'demo')) for row in ROWS}
    assert len(hashes) == len(ROWS)


def test_the_first_row_is_table_1s_row_13() -> None:
    (here,) = plan_runs(find_table('variants'), Path(), numbers=[1])
    (there,) = plan_runs(find_table('1'), Path(), numbers=[13])
    assert here.folder == there.folder


def test_a_name_is_the_leafs_with_the_variant() -> None:
    by_cls = next(x for x in ROWS if 'classification' in x.settings['OHEM'])
    assert by_cls.name == 'fast_rcnn_vgg16_ohem_by_cls_voc07'
    assert Row(5, None, {}, {}, variant='x').name is None


def test_a_warm_up_is_a_share_of_the_training() -> None:
    warmup = next(x for x in ROWS if x.variant == 'warmup')
    for data in ('full', 'demo'):
        found = config(warmup, data)
        iters = found.model.train_cfg.rcnn.sampler.warmup_iters
        assert iters == found.train_cfg.max_iters / 10
