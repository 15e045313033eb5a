"""RoIs count alike, whatever process they are in."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper

from tests.parallel.detectors import backward, batch, detector, gradients
from tests.parallel.processes import run_on_each
from tests.zoo.families import SERVED
from tests.zoo.models import small_model, use_ohem

# The single level of a VGG: without RoIs nothing of it would be read.
ONE_LEVEL = dict(
    roi_head__bbox_roi_extractor=dict(
        type='mmdet_ohem.RoIPoolExtractor',
        output_size=7,
        out_channels=32,
        featmap_stride=4,
    ),
    neck__num_outs=1,
    neck__in_channels=[32],
    backbone__channels=[32],
)
OTHERS = {
    'weighted': dict(type='mmdet_ohem.RuleSampler', num=16, rule='s_ohem'),
    'focal': dict(
        type='mmdet_ohem.RuleSampler', num=16, rule='focal_weighting'
    ),
    'warming up': dict(type='mmdet_ohem.OHEMSampler', num=64, warmup_iters=1),
}


def images(nums: tuple[int, ...]) -> dict[str, Any]:
    """An image for each number of proposals; 0 is one without any object."""
    data = batch(max(nums), len(nums))
    for sample, num in zip(data['data_samples'], nums, strict=True):
        sample.proposals = sample.proposals[:num]
        if not num:
            sample.gt_instances = sample.gt_instances[:0]
    return data


def part(data: dict[str, Any], rank: int) -> dict[str, Any]:
    return {key: value[rank : rank + 1] for key, value in data.items()}


def cascade() -> Any:
    (family,) = (x for x in SERVED if x.name == 'Cascade R-CNN')
    model = use_ohem(small_model(family))
    model.type = 'FastRCNN'
    model.pop('rpn_head')
    for key in ('rpn', 'rpn_proposal'):
        model.train_cfg.pop(key, None)
    torch.manual_seed(0)
    return MODELS.build(model).train()


def loss_masking() -> Any:
    return detector(
        roi_head__type='mmdet_ohem.LossMaskingRoIHead',
        train_cfg__rcnn__sampler=dict(type='mmdet_ohem.AllRoISampler', num=16),
    )


def with_ddp(rank: int, make: Any, nums: tuple[int, ...]) -> Any:
    model = make()
    wrapped = MMDistributedDataParallel(
        model, broadcast_buffers=False, find_unused_parameters=False
    )
    backward(wrapped, part(images(nums), rank), model)
    first = gradients(model)
    # One that waits for a parameter hangs in the second iteration.
    wrapper = OptimWrapper(torch.optim.SGD(wrapped.parameters(), 0.01))
    losses = wrapped.train_step(part(images(nums), rank), wrapper)
    return dict(first=first, losses=losses)


def check(make: Any, nums: tuple[int, ...], folder: Path) -> list[Any]:
    """Several processes have the gradients of one with all images."""
    work = partial(with_ddp, make=make, nums=nums)
    ranks = run_on_each(work, folder, len(nums))
    alone = make()
    backward(alone, images(nums))
    expected = gradients(alone)
    for rank in ranks:
        assert rank['first'].keys() == expected.keys()
        torch.testing.assert_close(rank['first'], expected)
    return ranks


@pytest.mark.parametrize('nums', [(3, 70), (2, 10, 40, 70)], ids=str)
def test_gradients_are_those_of_one_process(
    nums: tuple[int, ...], tmp_path: Path
) -> None:
    check(detector, nums, tmp_path)


@pytest.mark.parametrize('nums', [(0, 70), (20, 0, 0, 4)], ids=str)
@pytest.mark.parametrize('levels', [{}, ONE_LEVEL], ids=['FPN', 'one level'])
def test_a_process_without_rois_keeps_nobody_waiting(
    levels: dict[str, Any], nums: tuple[int, ...], tmp_path: Path
) -> None:
    ranks = check(partial(detector, **levels), nums, tmp_path)
    empty = ranks[nums.index(0)]['losses']
    assert not empty['loss_cls'].any() and not empty['loss_bbox'].any()


def test_no_process_has_rois(tmp_path: Path) -> None:
    work = partial(with_ddp, make=detector, nums=(0, 0))
    for rank in run_on_each(work, tmp_path):
        assert not any(x.any() for x in rank['first'].values())


@pytest.mark.parametrize('nums', [(3, 70), (0, 70)], ids=str)
@pytest.mark.parametrize('make', [cascade, loss_masking])
def test_other_roi_heads(
    make: Any, nums: tuple[int, ...], tmp_path: Path
) -> None:
    check(make, nums, tmp_path)


@pytest.mark.parametrize('sampler', OTHERS.values(), ids=OTHERS)
def test_other_rules(sampler: dict, tmp_path: Path) -> None:
    make = partial(detector, train_cfg__rcnn__sampler=copy.deepcopy(sampler))
    check(make, (3, 30), tmp_path)
