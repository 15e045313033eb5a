"""Mining rules side by side, all else equal."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmdet_ohem.mining.rules import RULES, Choice, RoIs, Rule, rule_names
from mmdet_ohem.tables import Row, find_table, plan_runs, rules_table
from mmdet_ohem.tables.profile import at_profile
from tests.configs.leaves import CONFIGS

ROWS = {row.settings['rule']: row for row in rules_table().rows}
BASE = CONFIGS / 'fast_rcnn_vgg16_bg0_voc07.py'


def load(row: Row) -> Config:
    return Config.fromfile(CONFIGS / f'{row.config}.py')


def test_every_rule_with_a_limit_has_a_row() -> None:
    assert set(rule_names()) - set(ROWS) == {'all_rois'}


@pytest.mark.parametrize('name', rule_names())
def test_a_row_trains_by_its_rule(name: str) -> None:
    if name in ('all_rois', 'random'):
        return
    sampler = load(ROWS[name]).model.train_cfg.rcnn.sampler
    found = sampler.get('rule', 'ohem')  # OHEMSampler has none
    assert Rule(found).name == name
    assert sampler.num == 64


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_rows_differ_in_the_rule_alone(row: Row) -> None:
    config, base = load(row), Config.fromfile(BASE)
    for each in (config, base):
        each.model.train_cfg.rcnn.pop('sampler')
        each.model.roi_head.pop('type')
    assert config.to_dict() == base.to_dict()


@pytest.mark.parametrize('row', ROWS.values(), ids=ROWS)
def test_every_row_has_a_demo_size(row: Row) -> None:
    demo = Config.fromfile(CONFIGS / 'fast_rcnn_vgg16_demo.py')
    small = at_profile(load(row), demo, CONFIGS)
    assert small.model.roi_head.bbox_head.num_classes == 10
    full = load(row).model
    assert small.model.train_cfg == full.train_cfg
    assert small.model.roi_head.type == full.roi_head.type


def test_runs_are_shared_with_table_1(tmp_path: Path) -> None:
    ohem = ROWS['ohem'].number
    (here,) = plan_runs(rules_table(), tmp_path, numbers=[ohem])
    (there,) = plan_runs(find_table('1'), tmp_path, numbers=[13])
    assert here.folder == there.folder


def test_a_rule_that_is_registered_later_is_in_the_table() -> None:
    @RULES.register_module()
    def new_rule(rois: RoIs, num: int) -> Choice:
        raise NotImplementedError

    try:
        found = {row.settings['rule']: row for row in rules_table().rows}
        assert found['new_rule'].config == 'fast_rcnn_vgg16_new_rule_voc07'
    finally:
        del RULES.module_dict['new_rule']


@pytest.mark.parametrize('name', ['6', '0', 'rule', ''])
def test_other_tables_are_named(name: str) -> None:
    with pytest.raises(
        ValueError, match=r'there are 1, 3, 4, 5, rules and variants'
    ):
        find_table(name)
