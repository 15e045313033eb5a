"""Which views are new, where flipped boxes go, pipelines of views."""

import copy
from typing import Any

import pytest
import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from mmdet_ohem.localization.views import (
    PAPER_TEST_SCALES,
    distinct_views,
    flipped_back,
    in_words,
    multi_scale_pipeline,
    scales_around,
    scales_of,
    views_pipeline,
)

PIPELINE: list[dict] = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadProposals'),
    dict(
        type='ProposalBroadcaster',
        transforms=[dict(type='Resize', scale=(1000, 600), keep_ratio=True)],
    ),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs'),
]


def view(side: int = 4, **metas: Any) -> tuple[Tensor, DetDataSample]:
    image = torch.arange(3 * side * side).reshape(3, side, side)
    given = dict(img_shape=(side, side), scale_factor=(1.0, 1.0))
    return image, DetDataSample(metainfo=given | metas)


def distinct(*views: tuple[Tensor, DetDataSample]) -> list[int]:
    return distinct_views([x for x, _ in views], [x for _, x in views])


def test_the_first_of_equal_views_stays() -> None:
    views = [view(4), view(6), view(4), view(6), view(5), view(4)]
    assert distinct(*views) == [0, 1, 4]


def test_one_pixel_makes_another_view() -> None:
    image, sample = view(flip=False)
    other = image.clone()
    other[0, 0, 0] += 1
    assert distinct((image, sample), (other, sample)) == [0, 1]


def test_a_flip_is_another_view_even_of_a_symmetric_image() -> None:
    blank = torch.zeros(3, 4, 4)
    plain = view(flip=False, flip_direction=None)[1]
    flipped = view(flip=True, flip_direction='horizontal')[1]
    assert distinct((blank, plain), (blank, flipped)) == [0, 1]


def test_views_that_hide_their_flip_are_refused() -> None:
    image, sample = view()
    with pytest.raises(ValueError, match="list 'flip' and 'flip_direction'"):
        distinct((image, sample), (image.flip(2), sample))


@pytest.mark.parametrize(
    ('direction', 'expected'),
    [
        ('horizontal', [[70.0, 5, 79, 7], [79, 0, 80, 60]]),
        ('vertical', [[1.0, 53, 10, 55], [0, 0, 1, 60]]),
        ('diagonal', [[70.0, 53, 79, 55], [79, 0, 80, 60]]),
    ],
)
def test_edges_are_mirrored(direction: str, expected: list) -> None:
    boxes = torch.tensor([[1.0, 5, 10, 7], [0, 0, 1, 60]])
    sample = view(flip=True, flip_direction=direction, ori_shape=(60, 80))[1]
    assert flipped_back(boxes, sample).tolist() == expected


@pytest.mark.parametrize('metas', [{}, dict(flip=False, flip_direction=None)])
def test_boxes_of_a_view_that_is_not_flipped_stay(metas: dict) -> None:
    boxes = torch.rand(3, 4)
    assert flipped_back(boxes, view(**metas)[1]) is boxes


def test_a_pipeline_of_one_scale_becomes_one_of_several() -> None:
    before = copy.deepcopy(PIPELINE)
    made = multi_scale_pipeline(PIPELINE, [(50, 30), (70, 40)])
    assert before == PIPELINE
    assert made[:2] == PIPELINE[:2]
    (views,) = made[2:]
    resized, *rest = views['transforms']
    scales = [x['transforms'][0]['scale'] for x in resized]
    assert scales == [(50, 30), (70, 40)]
    assert rest == [[PIPELINE[3]], [PIPELINE[4]]]


def test_a_resize_without_proposals_is_found() -> None:
    pipeline: list[dict] = [
        dict(type='mmdet.LoadImageFromFile'),
        dict(type='mmdet.Resize', scale=(1333, 800), keep_ratio=True),
        dict(type='PackDetInputs'),
    ]
    made = multi_scale_pipeline(pipeline, [(50, 30)])
    assert made[1]['transforms'][0][0]['scale'] == (50, 30)


@pytest.mark.parametrize('position', [None, 3])
def test_a_pipeline_without_one_resize_is_refused(
    position: int | None,
) -> None:
    pipeline = PIPELINE[:2] + PIPELINE[3:]
    if position:
        pipeline = [*PIPELINE, PIPELINE[2]]
    with pytest.raises(ValueError, match='expected one Resize'):
        multi_scale_pipeline(pipeline, [(50, 30)])


def test_a_configs_own_views_come_first() -> None:
    own = [dict(type='TestTimeAug', transforms=[])]
    config = dict(
        test_dataloader=dict(dataset=dict(dataset=dict(pipeline=PIPELINE)))
    )
    assert views_pipeline(config | dict(tta_pipeline=own)) == own
    assert len(views_pipeline(config)[2]['transforms'][0]) == 5


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [
        ((1000, 600), list(PAPER_TEST_SCALES)),
        ((1333, 800), [640, 768, 917, 1152, 1333]),
        ((192, 192), [154, 184, 220, 276, 320]),
        (300, [240, 288, 344, 432, 500]),
    ],
)
def test_scales_are_in_proportion_to_the_detectors_own(
    scale: Any, expected: list
) -> None:
    step = dict(type='Resize', scale=scale, keep_ratio=True)
    for steps in (
        [step],
        [dict(type='ProposalBroadcaster', transforms=[step])],
    ):
        found = scales_around([dict(type='LoadImageFromFile'), *steps])
        if isinstance(expected[0], int):
            longest = max(scale) if isinstance(scale, tuple) else scale
            assert found == tuple((longest, x) for x in expected)
        else:
            assert list(found) == expected
    pipeline = multi_scale_pipeline([step], found)
    assert scales_of(pipeline) == list(found)
    assert str(min(found[0])) in in_words(pipeline)


def test_without_a_scale_they_are_the_papers() -> None:
    assert scales_around([dict(type='Resize', scale_factor=2)]) == (
        PAPER_TEST_SCALES
    )
