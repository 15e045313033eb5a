"""Each kind of region-based detector of mmdet trains on mined RoIs."""

import copy
import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from mmdet.models.task_modules.samplers import SamplingResult
from torch import Tensor

from mmdet_ohem import select_hard_examples
from tests.tiny import TakeAll
from tests.zoo.families import SERVED, Family
from tests.zoo.models import NUM, as_list, build, inputs_of


@dataclass
class Mined:
    """What one call of a sampler was asked, and what it gave."""

    stage: int
    gt_inds: Tensor
    result: SamplingResult
    expected: set[int]


def by_definition(sampler: Any, *image: Any, feats: Any) -> set[int]:
    """The hard RoIs of an image, from the losses of all of them."""
    assign_result, proposals, gt = image
    take_all = TakeAll()
    take_all.add_gt_as_proposals = sampler.add_gt_as_proposals
    every = take_all.sample(copy.deepcopy(assign_result), proposals, gt)
    losses = sampler.readonly_head(feats, every)
    inds = torch.cat([every.pos_inds, every.neg_inds])
    order = inds.argsort()
    hard = select_hard_examples(losses[order], every.priors[order], NUM)
    return set(inds[order[hard]].tolist())


def listen(roi_head: Any) -> list[Mined]:
    """The calls of the samplers, filled in by training."""
    calls: list[Mined] = []

    def heard(stage: int, sampler: Any) -> Any:
        sample = sampler.sample

        def wrapper(*image: Any, feats: Any) -> Any:
            expected = by_definition(sampler, *image, feats=feats)
            result = sample(*image, feats=feats)
            calls.append(Mined(stage, image[0].gt_inds, result, expected))
            return result

        return wrapper

    for stage, sampler in enumerate(as_list(roi_head.bbox_sampler)):
        sampler.sample = heard(stage, sampler)
    return calls


def train_step(family: Family, model: Any) -> dict[str, float]:
    data = model.data_preprocessor(inputs_of(family), True)
    losses = model(**data, mode='loss')
    total, values = model.parse_losses(losses)
    total.backward()
    return {name: value.item() for name, value in values.items()}


def device_for(family: Family) -> str:
    if family.on_gpu_only and not torch.cuda.is_available():
        pytest.skip('no CPU kernel for an operator of this detector')
    return 'cuda' if family.on_gpu_only else 'cpu'


def calls_per_stage(family: Family, model: Any) -> int:
    """How often a sampler is asked in a step."""
    # HTC samples again for its masks, TridentNet has three views an image.
    twice = getattr(model.roi_head, 'interleaved', False)
    views = getattr(model.roi_head, 'num_branch', 1)
    return 2 * views * (2 if twice else 1)


@pytest.mark.parametrize('family', SERVED, ids=str)
def test_trains_on_the_hard_examples(family: Family) -> None:
    device = device_for(family)
    model = build(family).to(device)
    calls = listen(model.roi_head)
    values = train_step(family, model)
    assert all(math.isfinite(value) for value in values.values())
    heads = as_list(model.roi_head.bbox_head)
    asked = calls_per_stage(family, model)
    assert [call.stage for call in calls].count(0) == asked
    assert len(calls) == asked * len(heads)
    for call in calls:
        pos, neg = call.result.pos_inds, call.result.neg_inds
        assert 0 < len(pos) + len(neg) <= NUM
        assert (call.gt_inds[pos] > 0).all()
        assert (call.gt_inds[neg] == 0).all()
        assert {*pos.tolist(), *neg.tolist()} == call.expected
    for head in heads:
        for param in head.fc_cls.parameters():
            assert param.grad.isfinite().all()
            assert param.grad.any()
