"""The table of detectors says what is tested."""

import re
from pathlib import Path

import pytest
from mmdet.models.roi_heads import BaseRoIHead, BBoxHead
from mmdet.models.roi_heads.roi_extractors import BaseRoIExtractor
from mmdet.registry import MODELS

from tests.zoo.families import SERVED, Family
from tests.zoo.models import CONFIGS, as_list, dicts, model_of
from tests.zoo.refusals import REFUSED

PAGE = (Path(__file__).parents[2] / 'docs' / 'detectors.md').read_text()
# Bases of others, which no config of mmdet names.
ABSTRACT = {'BaseRoIHead', 'BaseRoIExtractor', 'ConvFCBBoxHead'}


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    section = PAGE.split(f'\n## {heading}\n')[1].split('\n## ')[0]
    lines = re.findall(r'^\| (.*)\|$', section, re.MULTILINE)
    return [
        [cell.strip() for cell in line.replace('`', '').split('|')]
        for line in lines[1:]
    ]


def result_of(family: Family) -> str:
    if family.on_gpu_only:
        return 'GPU only'
    return 'works, sampler replaced' if family.replace else 'works'


def test_rows_of_what_works_are_what_is_tested() -> None:
    found = [row[:3] for row in rows('Works')]
    assert found == [[x.name, x.config, result_of(x)] for x in SERVED]


def test_rows_of_what_is_refused_are_what_is_tested() -> None:
    found = [row[:4] for row in rows('Refused')]
    assert found == [
        [x.name, x.config, 'refused', x.train_cfg] for x in REFUSED
    ]


def test_numbers_of_samplers() -> None:
    for row in rows('Works'):
        stages = as_list(model_of(row[1]).train_cfg.rcnn)
        assert row[3] == str(len(stages)), row[0]


@pytest.fixture(scope='module')
def tested_types() -> set[str]:
    """All types that the tested configs name."""
    configs = {x.config for x in SERVED} | {x.config for x in REFUSED}
    return {
        part['type']
        for config in configs
        for part in dicts(model_of(config))
        if isinstance(part.get('type'), str)
    }


@pytest.mark.parametrize('base', [BaseRoIHead, BBoxHead, BaseRoIExtractor])
def test_every_part_of_mmdet_is_tested(
    base: type, tested_types: set[str]
) -> None:
    parts = {
        name
        for name, part in MODELS.module_dict.items()
        if issubclass(part, base) and part.__module__.startswith('mmdet.')
    }
    assert parts - tested_types - ABSTRACT == set()


def test_every_folder_of_mmdet_is_named() -> None:
    listed = PAGE.split("\n## The other folders of mmdet's configs\n")[1]
    words = re.findall(r'\w+', listed.split('\n## ')[0])
    configs = [x.config for x in SERVED] + [x.config for x in REFUSED]
    tested = {config.split('/')[0] for config in configs}
    for folder in CONFIGS.iterdir():
        if folder.is_dir() and not folder.name.startswith('_'):
            assert folder.name in tested or folder.name in words, folder
