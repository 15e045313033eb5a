"""What the statistics of the mining are, and what they cost."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.models.task_modules.assigners import AssignResult
from torch.utils._python_dispatch import TorchDispatchMode

from mmdet_ohem.watch.mining_stats import (
    TOTALS,
    MiningStats,
    as_statistics,
)
from mmdet_ohem.watch.sampler_listener import SampledImage, listen
from tests.tiny import OHEM, standard_roi_head
from tests.watch.rois import by_hand, record_by_hand, sample

# A result whose size the host has to know, or a value it has to have.
WAITS = {
    '_local_scalar_dense',
    'nonzero',
    'masked_select',
    'equal',
    'is_nonzero',
    '_unique2',
    'unique_dim',
    'repeat_interleave',
    '_to_copy',
    'copy_',
}


def statistics_of(*images: SampledImage) -> dict[str, float]:
    stats = MiningStats()
    for image in images:
        stats.add(image)
    return as_statistics(stats.totals())


def test_any_sampler_by_hand() -> None:
    assert statistics_of(by_hand()) == dict(
        num_rois=10,
        num_sampled=5,
        fg_share=30,
        sampled_fg_share=20,
        sampled_far_bg_share=50,
    )


def test_losses_by_hand() -> None:
    statistics = statistics_of(by_hand(record_by_hand()))
    assert statistics['num_kept'] == 6
    # 3 + 1 + .5 + 2 + 1.5 + .25 + 4 of seven finite losses, of nine.
    assert statistics['loss'] == 12.25 / 7
    assert statistics['sampled_loss'] == 11 / 5
    assert statistics['non_finite_share'] == pytest.approx(200 / 9)


def test_means_are_over_all_images() -> None:
    none = torch.empty(0, dtype=torch.long)
    without_gt = SampledImage(
        AssignResult(0, torch.tensor([0]), torch.tensor([0.0]), None),
        SimpleNamespace(),
        SimpleNamespace(pos_inds=none, neg_inds=torch.tensor([0])),
        replace(
            record_by_hand(),
            losses=torch.tensor([0.75]),
            kept=torch.tensor([0]),
            hard=torch.tensor([0]),
        ),
    )
    statistics = statistics_of(by_hand(record_by_hand()), without_gt)
    assert statistics == pytest.approx(
        dict(
            num_rois=5.5,
            num_sampled=3,
            fg_share=300 / 11,
            sampled_fg_share=100 / 6,
            sampled_far_bg_share=60,
            num_kept=3.5,
            loss=13 / 8,
            sampled_loss=11.75 / 6,
            non_finite_share=20,
        )
    )


def test_images_of_a_warm_up_are_in_no_mean_loss() -> None:
    statistics = statistics_of(by_hand(), by_hand(record_by_hand()))
    assert (statistics['num_kept'], statistics['sampled_loss']) == (6, 2.2)


def test_nothing_seen_is_nothing_said() -> None:
    assert statistics_of() == {}


def test_an_image_without_rois() -> None:
    none = torch.empty(0, dtype=torch.long)
    record = record_by_hand()
    empty = SampledImage(
        AssignResult(0, none, torch.empty(0), None),
        SimpleNamespace(),
        SimpleNamespace(pos_inds=none, neg_inds=none),
        replace(record, losses=torch.empty(0), kept=none, hard=none),
    )
    assert statistics_of(empty) == dict(
        num_rois=0,
        num_sampled=0,
        fg_share=0,
        sampled_fg_share=0,
        num_kept=0,
        non_finite_share=0,
    )


def test_no_finite_loss_is_no_mean_loss() -> None:
    record = record_by_hand()
    broken = replace(
        record,
        losses=torch.full_like(record.losses, float('nan')),
        kept=record.kept[:0],
        hard=record.hard[:0],
    )
    statistics = statistics_of(by_hand(broken))
    assert statistics['non_finite_share'] == 100
    assert not {'loss', 'sampled_loss'} & set(statistics)


def test_assigners_that_know_no_overlap_are_counted() -> None:
    image = by_hand()
    image.assign_result.max_overlaps = None  # as HungarianAssigner
    assert 'sampled_far_bg_share' not in statistics_of(image)


def test_totals_of_processes_add_up() -> None:
    both, one, other = MiningStats(), MiningStats(), MiningStats()
    one.add(by_hand(record_by_hand()))
    other.add(by_hand())
    for stats in (one, other):
        both.add(by_hand(record_by_hand() if stats is one else None))
    assert torch.equal(both.totals(), one.totals() + other.totals())


def test_many_losses_are_added_exactly() -> None:
    record = record_by_hand()
    record = replace(record, losses=torch.full((9,), 16.1))
    stats = MiningStats()
    for _ in range(500):
        stats._add_losses(record)
    exact = 4500 * float(torch.tensor(16.1))
    assert stats.totals()[TOTALS.index('loss')] == pytest.approx(
        exact, rel=1e-12
    )


def test_agrees_with_a_loop_over_a_real_sampler() -> None:
    sampler = standard_roi_head(OHEM).bbox_sampler
    heard: list[SampledImage] = []
    listen(sampler, heard.append)
    assigned, result = sample(sampler)
    record = heard[0].record
    assert record is not None
    losses, hard = record.losses.tolist(), record.hard.tolist()
    overlaps = assigned.max_overlaps.tolist()
    bg_inds = result.neg_inds.tolist()
    far = sum(overlaps[ind] < 0.1 for ind in bg_inds)
    assert statistics_of(*heard) == pytest.approx(
        dict(
            num_rois=63,
            num_sampled=16,
            fg_share=100 * sum(i > 0 for i in assigned.gt_inds.tolist()) / 63,
            sampled_fg_share=100 * len(result.pos_inds) / 16,
            sampled_far_bg_share=100 * far / len(bg_inds),
            num_kept=len(record.kept),
            non_finite_share=0,
            loss=sum(losses) / 63,
            sampled_loss=sum(losses[i] for i in hard) / 16,
        ),
        rel=1e-5,
    )


class CountWaits(TorchDispatchMode):
    """Counts operations that a host would have to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        is_mask = name == 'index' and any(
            ind is not None and ind.dtype == torch.bool for ind in args[1]
        )
        if name in WAITS or is_mask:
            self.counts[name] += 1
        return func(*args, **(kwargs or {}))


def wait(kind: str) -> None:
    values = torch.tensor([1.0, 0.0])
    kinds: dict[str, Callable] = {
        'item': lambda: values[0].item(),
        'bool': lambda: bool(values[0]),
        'nonzero': values.nonzero,
        'mask': lambda: values[values > 0],
    }
    kinds[kind]()


@pytest.mark.parametrize('kind', ['item', 'bool', 'nonzero', 'mask'])
def test_a_wait_would_be_counted(kind: str) -> None:
    with CountWaits() as waits:
        wait(kind)
    assert waits.counts.total() == 1


@pytest.mark.parametrize('record', [record_by_hand, lambda: None])
def test_no_image_makes_the_host_wait(
    record: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    stats, image = MiningStats(), by_hand(record())
    with CountWaits() as waits, monkeypatch.context() as patch:
        # These are no operations where they have nothing to copy.
        for name in ('tolist', 'numpy', 'cpu'):
            patch.setattr(torch.Tensor, name, None, raising=False)
        for _ in range(3):
            stats.add(image)
    assert waits.counts == {}
    with CountWaits() as waits:
        stats.totals()
    assert waits.counts


@pytest.mark.gpu
def test_no_image_synchronizes_with_the_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip('no CUDA device')
    stats, image = MiningStats(), by_hand(record_by_hand('cuda'), 'cuda')
    torch.cuda.set_sync_debug_mode('error')
    try:
        for _ in range(3):
            stats.add(image)
    finally:
        torch.cuda.set_sync_debug_mode('default')
    assert as_statistics(stats.totals())['num_kept'] == 6
