"""What the log says of the mining."""

from typing import Any

import pytest
import torch
from mmengine.hooks import LoggerHook
from mmengine.runner import LogProcessor
from torch import Tensor

from mmdet_ohem.registry import HOOKS
from mmdet_ohem.watch import MiningStatsHook
from tests.tiny import OHEM, cascade_roi_head, standard_roi_head
from tests.watch.rois import RANDOM, SAMPLERS, runner, sample

ANY_SAMPLER = {
    'num_rois',
    'num_sampled',
    'fg_share',
    'sampled_fg_share',
    'sampled_far_bg_share',
}
SCORED = {'num_kept', 'loss', 'sampled_loss', 'non_finite_share'}


def cascade() -> Any:
    """Two stages, of which only the second mines."""
    return cascade_roi_head(RANDOM, OHEM)


@pytest.mark.parametrize(
    ('cfg', 'names'), [(RANDOM, ANY_SAMPLER), (OHEM, ANY_SAMPLER | SCORED)]
)
def test_records_what_is_known_of_a_sampler(
    cfg: dict, names: set[str]
) -> None:
    roi_head = standard_roi_head(cfg)
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    _, result = sample(roi_head.bbox_sampler)
    statistics = hook.statistics()
    assert set(statistics) == names
    # Ground truth is among the RoIs by now.
    assert statistics['num_rois'] == 63
    assert statistics['num_sampled'] == 16
    assert statistics['sampled_fg_share'] == 100 * len(result.pos_inds) / 16


def test_the_mined_loss_is_the_higher_one() -> None:
    roi_head = standard_roi_head(OHEM)
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    sample(roi_head.bbox_sampler)
    statistics = hook.statistics()
    assert statistics['sampled_loss'] > statistics['loss']


def test_a_cascade_has_statistics_of_all_and_of_each_stage() -> None:
    roi_head = cascade()
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    for sampler, num in zip(roi_head.bbox_sampler, (40, 60), strict=True):
        sample(sampler, num_proposals=num)
    statistics = hook.statistics()
    assert statistics['num_rois'] == 53
    assert statistics['s0/num_rois'] == 43
    assert statistics['s1/num_rois'] == 63
    # Only the second stage knows losses.
    assert 's0/loss' not in statistics
    assert statistics['loss'] == statistics['s1/loss']


def test_processes_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    reduced: list[Tensor] = []

    def twice(data: Tensor) -> None:
        reduced.append(data)
        data *= 2  # another process with the same images

    monkeypatch.setattr('mmdet_ohem.watch.mining_stats_hook.all_reduce', twice)
    roi_head = cascade()
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    # A process whose images all failed takes part, too.
    hook.statistics()
    sample(roi_head.bbox_sampler[1])
    assert hook.statistics()['num_rois'] == 63
    assert [data.shape for data in reduced] == [reduced[0].shape] * 2
    assert all(data.dtype == torch.float64 for data in reduced)


@pytest.mark.parametrize(
    'make', [standard_roi_head, cascade], ids=['standard', 'cascade']
)
def test_the_samplers_are_as_before_afterwards(make: Any) -> None:
    roi_head = make()
    samplers = roi_head.bbox_sampler
    samplers = samplers if isinstance(samplers, list) else [samplers]
    before = [dict(vars(sampler)) for sampler in samplers]
    hook = MiningStatsHook()
    for _ in range(2):
        training = runner(roi_head)
        hook.before_train(training)
        hook.before_train(training)  # the first training broke off
        assert all('sample' in vars(sampler) for sampler in samplers)
        hook.after_train(training)
    assert [dict(vars(sampler)) for sampler in samplers] == before


def test_training_again_after_an_interruption() -> None:
    roi_head = standard_roi_head()
    MiningStatsHook().before_train(runner(roi_head))  # and no after_train
    hook = MiningStatsHook()
    hook.before_train(runner(roi_head))
    sample(roi_head.bbox_sampler)
    assert hook.statistics()['num_rois'] == 63


def record(hook: MiningStatsHook, training: Any, num_iters: int) -> list[int]:
    """Train; number of values in the message hub after each iteration."""
    hook.before_train(training)
    sampler = training.model.roi_head.bbox_sampler
    loader_len = len(training.train_dataloader)
    written = []
    for training.iter in range(num_iters):
        sample(sampler, num_proposals=10 * (training.iter + 1))
        batch_idx = training.iter % loader_len
        before = hook._stages[0].totals()[0]
        hook.after_train_iter(training, batch_idx)
        written.append(int(hook._stages[0].totals()[0] < before))
    return written


def test_values_reach_the_message_hub_each_interval() -> None:
    training = runner(standard_roi_head())
    assert record(MiningStatsHook(interval=2), training, 5) == [0, 1, 0, 1, 0]
    scalars = training.message_hub.log_scalars
    assert set(scalars) == {
        f'train/mining/{name}' for name in ANY_SAMPLER | SCORED
    }
    # 30 and 40 proposals, with 3 ground-truth boxes.
    assert scalars['train/mining/num_rois'].current() == 38


@pytest.mark.parametrize(
    ('logger', 'loader_len', 'expected'),
    [
        ([LoggerHook(interval=3)], 1000, [0, 0, 1, 0, 0, 1]),
        # Intervals begin again with each epoch, as in the log.
        ([LoggerHook(interval=3)], 4, [0, 0, 1, 0, 0, 0]),
        # A short epoch has one line.
        ([LoggerHook(interval=3)], 2, [0, 1, 0, 1, 0, 1]),
        ([], 1000, [0] * 6),  # mmengine's default is 10
    ],
)
def test_by_default_it_keeps_pace_with_the_log(
    logger: list, loader_len: int, expected: list[int]
) -> None:
    training = runner(standard_roi_head(RANDOM))
    training.hooks = [MiningStatsHook(), *logger]
    training.train_dataloader = range(loader_len)
    assert record(training.hooks[0], training, 6) == expected


def test_the_log_does_not_smooth_the_mean_losses() -> None:
    training = runner(standard_roi_head(OHEM))
    hook = MiningStatsHook(interval=1)
    hook.before_train(training)
    for training.iter in range(3):
        sample(training.model.roi_head.bbox_sampler)
        expected = hook.statistics()['loss']
        hook.after_train_iter(training, training.iter)
    tag = LogProcessor(window_size=3)._collect_scalars(
        [], _With(training), 'train'
    )
    assert tag['mining/loss'] == expected


class _With:
    """A runner for LogProcessor."""

    def __init__(self, training: Any) -> None:
        self.message_hub = training.message_hub


@pytest.mark.parametrize('cfg', SAMPLERS)
def test_nothing_is_recorded_between_intervals(cfg: dict) -> None:
    training = runner(standard_roi_head(cfg))
    record(MiningStatsHook(interval=9), training, 4)
    assert training.message_hub.log_scalars == {}


@pytest.mark.parametrize('interval', [0, -1])
def test_an_interval_below_1_is_refused(interval: int) -> None:
    with pytest.raises(ValueError, match=f'at least 1, got {interval}'):
        HOOKS.build(dict(type='mmdet_ohem.MiningStatsHook', interval=interval))
