"""Heads and samplers of detectors with several stages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.doctor.data import SplitData
from mmdet_ohem.doctor.model import check_classes, check_samplers
from mmdet_ohem.host.configs import load_config

CONFIGS = Path(__file__).parents[2] / 'configs'


def data(num_classes: int, *num_proposals: int) -> SplitData:
    """A training dataset of so many classes."""
    classes = tuple(f'class{i}' for i in range(num_classes))
    dataset = SimpleNamespace(metainfo=dict(classes=classes))
    return SplitData('train', dataset, None, list(num_proposals))


def cascade() -> Config:
    return load_config(CONFIGS / 'cascade_rcnn_r50_fpn_ohem_coco.py')


def test_each_stage_has_a_line() -> None:
    found = list(check_samplers(cascade(), [data(80)]))
    assert [x.what for x in found] == [f'sampler, stage {i}' for i in range(3)]
    assert {x.level for x in found} == {'ok'}
    assert 'of 2000 (at most, RPN)' in found[0].text


def test_each_head_is_compared_with_the_classes() -> None:
    config = cascade()
    (fine,) = check_classes(config, [data(80)])
    assert fine.level == 'ok'
    found = list(check_classes(config, [data(3)]))
    assert [x.level for x in found] == ['error'] * 3
    assert found[2].text.startswith(
        'model.roi_head.bbox_head[2].num_classes is 80, but the train '
        'dataset has 3: class0, class1, class2. Remedy: '
        'model.roi_head.bbox_head[2].num_classes=3'
    )


@pytest.mark.parametrize(
    ('kind', 'num', 'level'),
    [
        ('mmdet_ohem.OHEMSampler', 29, 'ok'),
        ('mmdet_ohem.OHEMSampler', 30, 'warning'),
        ('RandomSampler', 30, 'ok'),  # a baseline may mean it
        ('OHEMSampler', 29, 'warning'),  # not ours
    ],
)
def test_a_sampler_has_to_have_a_choice(
    kind: str, num: int, level: str
) -> None:
    rcnn: Any = dict(sampler=dict(type=kind, num=num))
    config = Config(
        dict(
            custom_imports=dict(imports=['mmdet_ohem']),
            model=dict(train_cfg=dict(rcnn=rcnn)),
        )
    )
    (found,) = check_samplers(config, [data(20, 10, 30, 90)])
    assert found.level == level
    assert f'takes {num} RoIs an image of 30' in found.text
