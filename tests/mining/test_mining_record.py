"""What the sampler tells of an image, and its warm-up."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mmengine.logging import MessageHub

from mmdet_ohem import select_hard_examples
from tests.tiny import OHEM, assign, features, random_image, standard_roi_head


def sample(sampler: Any, num_gts: int = 3) -> tuple[Any, Any]:
    """Result and record of one random image."""
    gt, proposals = random_image(num_gts=num_gts, num_proposals=80)
    result = sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    return result, sampler.last_record


@pytest.mark.parametrize('num_gts', [0, 3])
def test_the_record_says_what_was_mined(num_gts: int) -> None:
    result, record = sample(standard_roi_head().bbox_sampler, num_gts)
    hard = record.hard
    assert torch.equal(hard, record.kept[:16])
    assert torch.equal(
        hard, select_hard_examples(record.losses, record.boxes, 16)
    )
    assert torch.equal(
        record.kept, select_hard_examples(record.losses, record.boxes, 999)
    )
    is_pos = record.labels[hard] >= 0
    assert torch.equal(record.boxes[hard][is_pos], result.pos_priors)
    assert torch.equal(record.boxes[hard][~is_pos], result.neg_priors)
    assert torch.equal(record.labels[hard][is_pos], result.pos_gt_labels)


def test_the_record_holds_all_candidates_in_their_order() -> None:
    sampler = standard_roi_head().bbox_sampler
    gt, proposals = random_image(num_proposals=80)
    assigned = assign(proposals, gt)
    sampler.sample(assigned, proposals, gt, feats=features())
    record = sampler.last_record
    expected = torch.cat([gt.bboxes, proposals.priors])
    assert torch.equal(record.boxes, expected)
    assert torch.equal(record.max_overlaps, assigned.max_overlaps)
    assert torch.equal(record.labels >= 0, record.max_overlaps >= 0.5)
    assert (record.max_overlaps[: len(gt)] == 1).all()


@pytest.fixture
def at_iter() -> Callable[[int], None]:
    """Sets the iteration of the current runner."""
    hub = MessageHub.get_instance('warm-up')
    return lambda iteration: hub.update_info('iter', iteration)


def test_the_first_iterations_draw_at_random(
    at_iter: Callable[[int], None],
) -> None:
    sampler = standard_roi_head(
        OHEM | dict(warmup_iters=2, pos_fraction=0.25, neg_pos_ub=-1)
    ).bbox_sampler
    for iteration, warms_up in ((0, True), (1, True), (2, False)):
        at_iter(iteration)
        result, record = sample(sampler)
        assert (record is None) == warms_up
        assert len(result.pos_inds) + len(result.neg_inds) == 16
        if warms_up:
            # A quarter of them, as the ratio of the random sampler says.
            assert len(result.pos_inds) == 4


def test_a_warm_up_scores_nothing(
    at_iter: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    roi_head = standard_roi_head(OHEM | dict(warmup_iters=1))
    monkeypatch.delattr(type(roi_head), '_bbox_forward')
    at_iter(0)
    sample(roi_head.bbox_sampler)


def test_there_is_no_warm_up_by_default(
    at_iter: Callable[[int], None],
) -> None:
    at_iter(0)
    assert sample(standard_roi_head().bbox_sampler)[1] is not None
