"""The configs have all guards, and a run's hash does not know them."""

import copy
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem import guard
from mmdet_ohem.tables.run_plan import config_hash
from tests.configs.leaves import FAST_RCNN, load

GUARDS = {f'mmdet_ohem.{name}' for name in guard.__all__}


def guards_of(config: Any) -> set[str]:
    types = {hook['type'] for hook in config.default_hooks.values()}
    return types & GUARDS


@pytest.mark.parametrize('name', FAST_RCNN)
def test_each_config_has_all_guards(name: str) -> None:
    config = load(name)
    assert guards_of(config) == GUARDS
    # What a leaf says of its checkpoints is kept.
    assert config.default_hooks.checkpoint.interval in (
        250, 500, 10000, 20000,
    )  # fmt: skip


def test_the_command_line_leaves_them_on() -> None:
    config = copy.deepcopy(load('fast_rcnn_vgg16_ohem_vote_voc07.py'))
    config.merge_from_dict(dict(custom_hooks=[]))
    assert guards_of(config) == GUARDS


def test_a_finished_run_stays_finished() -> None:
    config = copy.deepcopy(load('fast_rcnn_vgg16_ohem_voc07.py'))
    before = config_hash(config)
    hooks = config.default_hooks
    for name in [k for k, x in hooks.items() if x.type in GUARDS]:
        hooks.pop(name)
    assert config_hash(config) == before


def test_the_page_adds_all_of_them_to_a_config_of_mmdet(
    tmp_path: Path,
) -> None:
    page = Path(__file__).parents[2] / 'docs/nothing_silent.md'
    code = page.read_text().split('```python\n')[1].split('```')[0]
    mine = tmp_path / 'mine.py'
    mine.write_text(code)
    config = Config.fromfile(mine)
    assert guards_of(config) == GUARDS
    # mmdet's own hooks, and its keys of the checkpoint hook, stay.
    assert config.default_hooks.checkpoint.interval == 1
    assert 'logger' in config.default_hooks
