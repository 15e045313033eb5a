"""Pipelines are edited by the names of their steps, never by position."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from tests.configs.leaves import (
    CONFIGS,
    FAST_RCNN,
    FORM,
    LEAVES,
    OHEM,
    datasets_of,
    load,
)

DOCS = CONFIGS.parent / 'docs' / 'configs.md'
FILES = sorted(CONFIGS.rglob('*.py'))
# The loaders a config may have, and its pipeline of several views.
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
NEW = dict(type='New')
VOTING = 'mmdet_ohem.IterativeBBoxVotingHook'
RANDOM_STATE = 'mmdet_ohem.RandomStateHook'


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_no_config_indexes_a_pipeline_by_number(path: Path) -> None:
    indexed = re.findall(r'(\w+)\[-?\d', path.read_text())
    # mmengine has a list of schedules; ours has one entry.
    assert set(indexed) <= {'param_scheduler'}


def pipelines(config: Any) -> list[list[dict]]:
    """All pipelines that a training or a test with this config may run."""
    found = [
        dataset.pipeline
        for key in LOADERS
        if config.get(key)
        for dataset in datasets_of(config[key])
    ]
    # Those that a config inheriting this one may choose.
    names = ('train_pipeline', 'multi_scale_train_pipeline', 'test_pipeline')
    found += [config[name] for name in (*names, 'tta_pipeline')]
    return [list(pipeline) for pipeline in found]


@pytest.mark.parametrize('name', FAST_RCNN)
def test_the_named_steps_are_those_of_the_pipelines(name: str) -> None:
    config = load(name)
    for steps, pipeline in (
        (config.train_steps, config.train_pipeline),
        (config.multi_scale_train_steps, config.multi_scale_train_pipeline),
        (config.test_steps, config.test_pipeline),
    ):
        move = dict(
            type='ProposalBroadcaster', transforms=[*steps.move.values()]
        )
        assert pipeline == [
            *steps.load.values(), move, *steps.finish.values()
        ]  # fmt: skip
    is_multi_scale = config.test_cfg.type == 'mmdet_ohem.MultiScaleTestLoop'
    for dataset in datasets_of(config.train_dataloader):
        assert dataset.pipeline == (
            config.multi_scale_train_pipeline
            if is_multi_scale
            else config.train_pipeline
        )


@pytest.fixture(scope='module')
def with_new_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our configs with one more transform at the head of the base."""
    folder = tmp_path_factory.mktemp('new') / 'configs'
    shutil.copytree(CONFIGS, folder)
    base = folder / '_base_/datasets/voc07.py'
    head = "        image=dict(type='LoadImageFromFile'),\n"
    text = base.read_text()
    assert text.count(head) == 2
    base.write_text(text.replace(head, f'        new={NEW!r},\n{head}'))
    return folder


@pytest.mark.parametrize('name', FAST_RCNN)
def test_a_transform_at_the_head_leaves_every_leaf_right(
    name: str, with_new_step: Path
) -> None:
    before = pipelines(load(name))
    after = pipelines(Config.fromfile(with_new_step / name))
    assert after == [[NEW, *pipeline] for pipeline in before]


def test_a_config_for_own_data_scales_its_images(tmp_path: Path) -> None:
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    form = tmp_path / 'configs' / FORM
    text = form.read_text()
    assert 'scale = (1000, 600)' in text
    form.write_text(text.replace('(1000, 600)', '(500, 300)'))
    config = Config.fromfile(form)
    for key in LOADERS:
        (step,) = (
            x for x in config[key].dataset.pipeline if 'transforms' in x
        )
        (resize,) = (x for x in step.transforms if x.type == 'Resize')
        assert resize.scale == (500, 300)


@pytest.mark.parametrize('keep', [False, True])
def test_a_config_for_own_data_keeps_background_by_a_key(
    tmp_path: Path, keep: bool
) -> None:
    shutil.copytree(CONFIGS, tmp_path / 'configs')
    form = tmp_path / 'configs' / FORM
    text = form.read_text()
    assert 'keep_background_images = False' in text
    form.write_text(text.replace('images = False', f'images = {keep}'))
    config = Config.fromfile(form)
    train = config.train_dataloader.dataset
    assert train.filter_cfg.filter_empty_gt is not keep
    for key in LOADERS:
        assert config[key].dataset.allow_no_annotation is keep


def documented(number: int, folder: Path) -> Any:
    """A config that docs/configs.md shows, read, dumped and read again."""
    text = re.findall(r'```python\n(.*?)```', DOCS.read_text(), re.S)[number]
    base = f"_base_ = './{OHEM}'"
    assert base in text
    mine = folder / 'mine.py'
    mine.write_text(text.replace(base, f'_base_ = {str(CONFIGS / OHEM)!r}'))
    config = Config.fromfile(mine)
    config.dump(folder / 'dumped.py')
    assert Config.fromfile(folder / 'dumped.py').to_dict() == config.to_dict()
    return config


def test_the_documented_change_of_a_step_arrives(tmp_path: Path) -> None:
    config = documented(0, tmp_path)
    plain = load(OHEM).train_dataloader.dataset.pipeline
    resized = config.train_dataloader.dataset.pipeline
    assert [x.type for x in resized] == [
        *(x.type for x in plain[:-1]),
        'PhotoMetricDistortion',
        'PackDetInputs',
    ]
    (step,) = (x for x in resized if 'transforms' in x)
    assert [x.get('scale') for x in step.transforms] == [None, (800, 480)]


def test_the_documented_hook_joins_those_of_the_base(tmp_path: Path) -> None:
    hooks = [x.type for x in documented(1, tmp_path).custom_hooks]
    assert hooks[:-1] == [x.type for x in load(OHEM).custom_hooks]
    assert hooks[-1] == VOTING
    assert RANDOM_STATE in hooks


@pytest.mark.parametrize('name', LEAVES)
def test_no_config_loses_a_hook_of_its_base(name: str) -> None:
    text = (CONFIGS / name).read_text()
    assert 'custom_hooks = [dict' not in text
    assert 'custom_hooks=[]' not in text
