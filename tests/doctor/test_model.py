"""Heads and samplers of detectors with several stages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config

from mmdet_ohem.doctor.data import SplitData, load_data
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
    ('names', 'level'),
    [(('b', 'a'), 'error'), (('a', 'B'), 'warning'), (('a', 'b'), None)],
)
def test_a_number_is_one_class_in_all_datasets(
    names: tuple[str, ...], level: str | None
) -> None:
    loaded = [
        SplitData(x, SimpleNamespace(metainfo=dict(classes=y)), None, [])
        for x, y in (('train', ('a', 'b')), ('val', names))
    ]
    config = Config(dict(model=dict(bbox_head=dict(num_classes=2))))
    found = [x for x in check_classes(config, loaded) if x.level != 'ok']
    assert [x.level for x in found] == ([level] if level else [])
    assert all(
        "'a' in the train" in x.text or 'class 1' in x.text for x in found
    )


def test_a_class_that_no_object_has_is_a_line() -> None:
    @DATASETS.register_module(name='TwoObjects', force=True)
    class TwoObjects:
        metainfo: ClassVar = dict(classes=('cat', 'dog', 'DOG'))

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> dict:
            return dict(inputs=torch.zeros(3, 8, 8))

        def get_data_info(self, index: int) -> dict:
            return dict(instances=[dict(bbox_label=index)])

    config = Config(
        dict(train_dataloader=dict(dataset=dict(type='TwoObjects')))
    )
    found, (data,) = load_data(config)
    assert data.without_objects == ('DOG',)
    assert [x.level for x in found] == ['ok', 'warning']
    assert 'no object of 1 class: DOG. Remedy' in found[1].text


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


def test_a_sampler_of_all_rois_has_no_limit() -> None:
    rcnn: Any = dict(sampler=dict(type='mmdet_ohem.AllRoISampler', num=64))
    config = Config(dict(model=dict(train_cfg=dict(rcnn=rcnn))))
    (found,) = check_samplers(config, [data(20, 10, 30, 90)])
    assert found.level == 'ok'
    assert 'takes all RoIs an image, 30 (median' in found.text
