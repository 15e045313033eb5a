"""What the log says of the mining."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from mmengine.logging import MessageHub
from torch import nn

from mmdet_ohem.analysis import MiningStatsHook
from mmdet_ohem.registry import HOOKS
from tests.tiny import (
    OHEM,
    assign,
    cascade_roi_head,
    features,
    random_image,
    standard_roi_head,
)

RANDOM = dict(
    type='RandomSampler',
    num=16,
    pos_fraction=0.25,
    neg_pos_ub=-1,
    add_gt_as_proposals=True,
)
SAMPLERS = [RANDOM, OHEM]
NAMES = (
    'num_rois',
    'num_sampled',
    'fg_share',
    'sampled_fg_share',
    'sampled_far_bg_share',
)


class Detector(nn.Module):
    """Something with a RoI head."""

    def __init__(self, roi_head: nn.Module) -> None:
        super().__init__()
        self.roi_head = roi_head


def runner(roi_head: nn.Module) -> Any:
    """What a hook sees of a runner."""
    return SimpleNamespace(
        model=Detector(roi_head),
        message_hub=MessageHub(name='test'),
        iter=0,
    )


def cascade() -> Any:
    """Two stages, of which only the second mines."""
    return cascade_roi_head(RANDOM, OHEM)


def sample(sampler: Any, num_gts: int = 3, num_proposals: int = 60) -> Any:
    """A random image through a sampler, as RoI heads call it."""
    gt, proposals = random_image(num_gts, num_proposals)
    assign_result = assign(proposals, gt)
    return assign_result, sampler.sample(
        assign_result, proposals, gt, feats=features()
    )


def by_hand() -> tuple[Any, Any]:
    """Ten RoIs: three foreground, one ignored, six background."""
    assign_result = AssignResult(
        num_gts=2,
        gt_inds=torch.tensor([1, 2, 1, -1, 0, 0, 0, 0, 0, 0]),
        max_overlaps=torch.tensor(
            [1, 0.7, 0.5, 0.4, 0.45, 0.1, 0.09, 0.05, 0, 0]
        ),
        labels=None,
    )
    # Two of the four background RoIs are below 0.1.
    sampling_result = SimpleNamespace(
        pos_inds=torch.tensor([0]), neg_inds=torch.tensor([8, 5, 6, 4])
    )
    return assign_result, sampling_result


def test_shares_by_hand() -> None:
    hook = MiningStatsHook()
    hook.count(*by_hand())
    assert hook.shares() == dict(
        num_rois=10,
        num_sampled=5,
        fg_share=30,
        sampled_fg_share=20,
        sampled_far_bg_share=50,
    )


def test_shares_are_over_all_images() -> None:
    hook = MiningStatsHook()
    hook.count(*by_hand())
    # An image without ground truth and one RoI.
    hook.count(
        AssignResult(0, torch.tensor([0]), torch.tensor([0.0]), None),
        SimpleNamespace(
            pos_inds=torch.empty(0, dtype=torch.long),
            neg_inds=torch.tensor([0]),
        ),
    )
    shares = hook.shares()
    assert (shares['num_rois'], shares['num_sampled']) == (5.5, 3)
    assert shares['fg_share'] == pytest.approx(300 / 11)
    assert shares['sampled_fg_share'] == pytest.approx(100 / 6)
    assert shares['sampled_far_bg_share'] == 60


def test_nothing_seen_is_nothing_said() -> None:
    assert MiningStatsHook().shares() == {}


def test_an_image_without_rois_has_no_share_of_far_background() -> None:
    hook = MiningStatsHook()
    none = torch.empty(0, dtype=torch.long)
    hook.count(
        AssignResult(0, none, torch.empty(0), None),
        SimpleNamespace(pos_inds=none, neg_inds=none),
    )
    assert hook.shares() == dict(
        num_rois=0, num_sampled=0, fg_share=0, sampled_fg_share=0
    )


def test_assigners_that_know_no_overlap_are_counted() -> None:
    assign_result, sampling_result = by_hand()
    assign_result.max_overlaps = None  # as HungarianAssigner
    hook = MiningStatsHook()
    hook.count(assign_result, sampling_result)
    assert hook.shares() == dict(
        num_rois=10, num_sampled=5, fg_share=30, sampled_fg_share=20
    )


@pytest.mark.parametrize('sampler', SAMPLERS)
def test_counts_what_a_sampler_returns(sampler: dict) -> None:
    roi_head = standard_roi_head(sampler)
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    assigned, result = sample(roi_head.bbox_sampler)
    shares = hook.shares()
    # Ground truth is among the RoIs by now.
    assert shares['num_rois'] == 63
    assert shares['fg_share'] == pytest.approx(
        100 * int((assigned.gt_inds > 0).sum()) / 63
    )
    assert shares['num_sampled'] == 16
    assert shares['sampled_fg_share'] == 100 * len(result.pos_inds) / 16


@pytest.mark.parametrize('sampler', SAMPLERS)
def test_listening_changes_no_sample(sampler: dict) -> None:
    roi_head = standard_roi_head(sampler)
    torch.manual_seed(1)
    _, alone = sample(roi_head.bbox_sampler)
    MiningStatsHook().before_train(runner(roi_head))
    torch.manual_seed(1)
    _, heard = sample(roi_head.bbox_sampler)
    assert torch.equal(alone.pos_inds, heard.pos_inds)
    assert torch.equal(alone.neg_inds, heard.neg_inds)


def test_a_sampler_with_weights_beside_its_result_is_counted() -> None:
    roi_head = standard_roi_head(dict(RANDOM, type='ScoreHLRSampler'))
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    _, (result, _) = sample(roi_head.bbox_sampler)
    num = len(result.pos_inds) + len(result.neg_inds)
    assert hook.shares()['num_sampled'] == num


def test_a_cascade_is_counted_over_its_stages() -> None:
    roi_head = cascade()
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    for sampler in roi_head.bbox_sampler:
        sample(sampler)
    assert hook._counts['images'] == 2
    assert hook.shares()['num_rois'] == 63


@pytest.mark.parametrize(
    'make', [standard_roi_head, cascade], ids=['standard', 'cascade']
)
def test_samplers_are_as_before_after_training(make: Any) -> None:
    roi_head = make()
    samplers = roi_head.bbox_sampler
    samplers = samplers if isinstance(samplers, list) else [samplers]
    before = [dict(vars(sampler)) for sampler in samplers]
    hook = MiningStatsHook()
    for _ in range(2):
        training = runner(roi_head)
        hook.before_train(training)
        assert all('sample' in vars(sampler) for sampler in samplers)
        hook.after_train(training)
    assert [dict(vars(sampler)) for sampler in samplers] == before
    sample(samplers[0])
    assert hook.shares() == {}


def test_training_again_after_an_interruption() -> None:
    roi_head = standard_roi_head()
    MiningStatsHook().before_train(runner(roi_head))  # and no after_train
    hook = MiningStatsHook()
    training = runner(roi_head)
    hook.before_train(training)
    sample(roi_head.bbox_sampler)
    hook.after_train(training)
    assert hook.shares()['num_rois'] == 63


def test_values_reach_the_message_hub_each_interval() -> None:
    roi_head = standard_roi_head()
    hook = MiningStatsHook(interval=2)
    training = runner(roi_head)
    hook.before_train(training)
    scalars = training.message_hub.log_scalars
    num_recorded = []
    for training.iter in range(5):
        sample(roi_head.bbox_sampler, num_proposals=10 * (training.iter + 1))
        hook.after_train_iter(training, training.iter)
        num_recorded.append(sum(len(x.data[0]) for x in scalars.values()))
    assert num_recorded == [0, 5, 5, 10, 10]
    assert set(scalars) == {f'train/mining/{name}' for name in NAMES}
    # Means of 10 and 20, 30 and 40 proposals, with 3 ground-truth boxes.
    assert scalars['train/mining/num_rois'].data[0].tolist() == [18, 38]


class Wrapper(nn.Module):
    """Looks like DistributedDataParallel."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module


def test_a_wrapped_model_is_unwrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        'mmdet_ohem.analysis.mining_stats_hook.is_model_wrapper',
        lambda model: isinstance(model, Wrapper),
    )
    training = runner(standard_roi_head())
    sampler = training.model.roi_head.bbox_sampler
    training.model = Wrapper(training.model)
    MiningStatsHook().before_train(training)
    assert 'sample' in vars(sampler)


def test_a_detector_without_roi_head_is_an_error_with_the_remedy() -> None:
    training = SimpleNamespace(model=nn.Conv2d(1, 1, 1))
    with pytest.raises(TypeError, match=r'Conv2d has no roi_head.*Remedy'):
        MiningStatsHook().before_train(training)


def test_a_roi_head_without_sampler_is_an_error() -> None:
    roi_head = standard_roi_head()
    roi_head.bbox_sampler = None
    with pytest.raises(TypeError, match=r'has no roi_head\.bbox_sampler'):
        MiningStatsHook().before_train(runner(roi_head))


@pytest.mark.parametrize('interval', [0, -1])
def test_an_interval_below_1_is_refused(interval: int) -> None:
    with pytest.raises(ValueError, match=f'at least 1, got {interval}'):
        HOOKS.build(dict(type='mmdet_ohem.MiningStatsHook', interval=interval))
