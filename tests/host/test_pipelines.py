"""Configs of datasets and pipelines, walked through and edited."""

import copy
from typing import Any

import pytest
from mmdet.datasets.transforms import Resize
from mmengine.config import ConfigDict

from mmdet_ohem.host.pipelines import (
    all_steps,
    broadcast_steps,
    edited,
    leaf_datasets,
    outer_pipeline,
    reduced_to_images,
    replace_pipelines,
    transform_name,
)

LOAD = dict(type='LoadImageFromFile')
FLIP = dict(type='mmdet.RandomFlip', prob=0.0)
RESIZE = dict(type=Resize, scale=(1, 1))
BROADCAST = dict(type='ProposalBroadcaster', transforms=[RESIZE, FLIP])
VIEWS = dict(type='TestTimeAug', transforms=[[BROADCAST], [FLIP]])
PIPELINE: list[dict] = [LOAD, VIEWS]
NAMES = [
    'LoadImageFromFile',
    'TestTimeAug',
    'ProposalBroadcaster',
    'Resize',
    'RandomFlip',
    'RandomFlip',
]
ONE = dict(type='A', pipeline=[LOAD])
TWO = dict(type='B', pipeline=[FLIP])
JOINED = dict(type='ConcatDataset', datasets=[ONE, TWO])
MIXED = dict(type='MultiImageMixDataset', dataset=JOINED, pipeline=[RESIZE])
REPEATED = dict(type='RepeatDataset', dataset=JOINED, times=2)


def test_steps_come_before_the_ones_inside_of_them() -> None:
    assert [transform_name(step) for step in all_steps(PIPELINE)] == NAMES


def test_steps_that_run_on_proposals_as_well() -> None:
    assert list(broadcast_steps(BROADCAST)) == [RESIZE, FLIP]
    assert list(broadcast_steps(LOAD)) == [LOAD]


@pytest.mark.parametrize('kind', [dict, ConfigDict])
def test_editing_nothing_gives_an_equal_copy(kind: Any) -> None:
    pipeline = [kind(step) for step in PIPELINE]
    found = edited(pipeline, lambda step: step)
    assert found == pipeline
    assert not {id(x) for x in all_steps(found)} & {
        id(x) for x in all_steps(pipeline)
    }


def test_steps_are_left_out_at_any_depth() -> None:
    before = copy.deepcopy(PIPELINE)
    found = edited(
        PIPELINE, lambda x: None if transform_name(x) == 'RandomFlip' else x
    )
    broadcast = dict(BROADCAST, transforms=[RESIZE])
    # The second list of views held the flip alone.
    assert found == [LOAD, dict(VIEWS, transforms=[[broadcast]])]
    assert before == PIPELINE


def test_steps_are_changed_at_any_depth() -> None:
    def double(step: dict) -> dict:
        if 'scale' in step:
            step['scale'] = (2, 2)
        return step

    found = edited(PIPELINE, double)
    scales = [x['scale'] for x in all_steps(found) if 'scale' in x]
    assert (scales, RESIZE['scale']) == ([(2, 2)], (1, 1))


@pytest.mark.parametrize('dataset', [JOINED, MIXED, REPEATED])
def test_datasets_that_read_images(dataset: dict) -> None:
    assert list(leaf_datasets(dataset)) == [ONE, TWO]
    reduced = reduced_to_images(dataset, PIPELINE)
    assert reduced['type'] == 'ConcatDataset'
    assert [x['pipeline'] for x in reduced['datasets']] == [PIPELINE] * 2
    changed = copy.deepcopy(dataset)
    replace_pipelines(changed, PIPELINE)
    assert [x['pipeline'] for x in leaf_datasets(changed)] == [PIPELINE] * 2


def test_the_outermost_pipeline() -> None:
    assert outer_pipeline(ONE) == outer_pipeline(REPEATED) == [LOAD]
    assert outer_pipeline(MIXED) == [RESIZE]
