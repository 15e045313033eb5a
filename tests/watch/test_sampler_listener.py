"""Hearing samplers without changing what they do."""

from typing import Any

import pytest
import torch
from torch import nn

from mmdet_ohem.watch.sampler_listener import (
    SampledImage,
    listen,
    samplers_of,
)
from tests.tiny import OHEM, cascade_roi_head, standard_roi_head
from tests.watch.rois import RANDOM, SAMPLERS, Detector, sample


@pytest.mark.parametrize('cfg', SAMPLERS)
def test_listening_changes_no_sample(cfg: dict) -> None:
    sampler = standard_roi_head(cfg).bbox_sampler
    torch.manual_seed(1)
    _, alone = sample(sampler)
    listen(sampler, lambda image: None)
    torch.manual_seed(1)
    _, heard = sample(sampler)
    assert torch.equal(alone.pos_inds, heard.pos_inds)
    assert torch.equal(alone.neg_inds, heard.neg_inds)


def test_hears_what_the_sampler_was_given_and_returned() -> None:
    sampler = standard_roi_head(OHEM).bbox_sampler
    heard: list[SampledImage] = []
    listen(sampler, heard.append)
    assign_result, result = sample(sampler)
    (image,) = heard
    assert image.assign_result is assign_result
    assert image.sampling_result is result
    assert image.record is sampler.last_record
    assert len(image.gt_instances.bboxes) == 3


def test_other_samplers_have_no_record() -> None:
    sampler = standard_roi_head(RANDOM).bbox_sampler
    heard: list[SampledImage] = []
    listen(sampler, heard.append)
    sample(sampler)
    assert heard[0].record is None


def test_weights_beside_a_result_are_left_out() -> None:
    sampler = standard_roi_head(dict(RANDOM, type='ScoreHLRSampler'))
    sampler = sampler.bbox_sampler
    heard: list[SampledImage] = []
    listen(sampler, heard.append)
    _, (result, _) = sample(sampler)
    assert heard[0].sampling_result is result


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_listeners_stop_in_any_order(order: tuple[int, int]) -> None:
    sampler = standard_roi_head(RANDOM).bbox_sampler
    before = dict(vars(sampler))
    heard: tuple[list, list] = ([], [])
    stops = [listen(sampler, ear.append) for ear in heard]
    sample(sampler)
    first, last = order
    stops[first]()
    sample(sampler)
    assert (len(heard[first]), len(heard[last])) == (1, 2)
    stops[last]()
    assert vars(sampler) == before


def test_a_method_put_there_by_others_comes_back() -> None:
    sampler = standard_roi_head(RANDOM).bbox_sampler
    own = sampler.sample = type(sampler).sample.__get__(sampler)
    stop = listen(sampler, lambda image: None)
    assert sampler.sample is not own
    stop()
    assert vars(sampler)['sample'] is own


def test_a_cascade_has_a_sampler_a_stage() -> None:
    roi_head = cascade_roi_head(RANDOM, OHEM)
    assert samplers_of(Detector(roi_head), 'x') == roi_head.bbox_sampler


class Wrapper(nn.Module):
    """Looks like DistributedDataParallel."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def test_a_wrapped_model_is_unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        'mmdet_ohem.watch.sampler_listener.is_model_wrapper',
        lambda model: isinstance(model, Wrapper),
    )
    model = Detector(standard_roi_head())
    assert samplers_of(Wrapper(model), 'x') == [model.roi_head.bbox_sampler]


def without_sampler() -> Any:
    roi_head = standard_roi_head()
    roi_head.bbox_sampler = None
    return Detector(roi_head)


@pytest.mark.parametrize(
    ('model', 'name'),
    [(nn.Conv2d(1, 1, 1), 'Conv2d'), (without_sampler(), 'Detector')],
)
def test_no_sampler_is_an_error_with_the_remedy(model: Any, name: str) -> None:
    with pytest.raises(
        TypeError, match=rf'Asker: {name} has no roi_head\..*Remedy'
    ):
        samplers_of(model, 'Asker')
