"""Three rules on the same RoIs."""

from dataclasses import fields
from typing import Any

import pytest
import torch
from mmdet.models.task_modules.samplers import OHEMSampler as StockOHEMSampler
from mmengine.structures import InstanceData

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.selection_rules import (
    HEURISTIC,
    PAPER,
    STOCK,
    SelectionRules,
)
from tests.tiny import (
    OHEM,
    assign,
    cascade_roi_head,
    features,
    random_image,
    standard_roi_head,
)
from tests.watch.rois import RANDOM


def choose(
    roi_head: Any, seed: int = 0, num_gts: int = 3, num_proposals: int = 60
) -> dict[str, Any]:
    torch.manual_seed(0)
    gt, proposals = random_image(num_gts, num_proposals)
    return SelectionRules(roi_head.eval(), seed)(
        features(), proposals.priors, gt
    )


def boxes_of(record: MiningRecord) -> set[tuple]:
    return set(map(tuple, record.boxes[record.hard].tolist()))


@pytest.mark.parametrize('cfg', [RANDOM, OHEM])
def test_all_rules_choose_of_the_same_rois(cfg: dict) -> None:
    choices = choose(standard_roi_head(cfg), num_proposals=200)
    assert list(choices) == [PAPER, STOCK, HEURISTIC]
    for record in choices.values():
        assert len(record.hard) == len(record.hard.unique()) == 16
        assert torch.equal(record.losses, choices[PAPER].losses)
        losses = record.losses[record.hard]
        assert torch.equal(losses, losses.sort(descending=True).values)


def test_the_paper_is_what_our_sampler_mines() -> None:
    roi_head = standard_roi_head(OHEM)
    chosen = choose(roi_head)[PAPER]
    torch.manual_seed(0)
    gt, proposals = random_image()
    roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    mined = roi_head.bbox_sampler.last_record
    for field in fields(MiningRecord):
        name = field.name
        if name == 'weights':  # OHEM has none
            assert chosen.weights is mined.weights is None
            continue
        assert torch.equal(getattr(chosen, name), getattr(mined, name)), name


def test_stock_is_what_the_sampler_of_mmdet_mines() -> None:
    roi_head = standard_roi_head(RANDOM)
    chosen = choose(roi_head)[STOCK]
    torch.manual_seed(0)
    gt, proposals = random_image()
    stock = StockOHEMSampler(num=16, pos_fraction=0.25, context=roi_head)
    result = stock.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    assert boxes_of(chosen) == set(map(tuple, result.priors.tolist()))
    assert int((chosen.labels[chosen.hard] >= 0).sum()) == 4


def test_the_heuristic_takes_no_far_background() -> None:
    record = choose(standard_roi_head(RANDOM), num_proposals=200)[HEURISTIC]
    is_bg = record.labels[record.hard] < 0
    assert int((~is_bg).sum()) == 4
    assert record.max_overlaps[record.hard][is_bg].min() >= 0.1
    assert record.max_overlaps.min() < 0.1  # there was some


def test_the_heuristic_does_not_look_at_the_weights() -> None:
    one, other = standard_roi_head(RANDOM), standard_roi_head(RANDOM)
    assert boxes_of(choose(one)[HEURISTIC]) == boxes_of(
        choose(other)[HEURISTIC]
    )
    assert boxes_of(choose(one)[HEURISTIC]) != boxes_of(
        choose(one, seed=1)[HEURISTIC]
    )


def test_the_random_state_is_left_alone() -> None:
    gt, proposals = random_image()
    rules = SelectionRules(standard_roi_head(RANDOM).eval())
    before = torch.get_rng_state()
    rules([torch.zeros(1, 8, 16, 16)], proposals.priors, gt)
    assert torch.equal(torch.get_rng_state(), before)


def test_keys_of_the_config_are_kept() -> None:
    head = standard_roi_head(dict(OHEM, num=5, nms_iou_thr=None))
    choices = choose(head)
    assert [len(record.hard) for record in choices.values()] == [5, 5, 5]
    assert len(choices[PAPER].kept) == 63


def test_a_cascade_shows_its_first_stage() -> None:
    roi_head = cascade_roi_head(dict(OHEM, num=8), dict(OHEM, num=4))
    choices = choose(roi_head)
    assert all(len(record.hard) == 8 for record in choices.values())


def test_a_loss_that_the_stock_sampler_fails_on_is_said() -> None:
    head = standard_roi_head(
        RANDOM, loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True)
    )
    choices = choose(head, num_proposals=200)
    assert choices[STOCK].startswith('RuntimeError: ')
    assert len(choices[PAPER].hard) == len(choices[HEURISTIC].hard) == 16


def test_images_without_ground_truth() -> None:
    choices = choose(standard_roi_head(RANDOM), num_gts=0)
    assert len(choices[PAPER].hard) == len(choices[STOCK].hard) == 16
    # To mmdet's assigner all of it is background, whatever its IoU.
    assert len(choices[HEURISTIC].hard) == 16


def test_ignored_rois_are_chosen_by_none() -> None:
    roi_head = standard_roi_head(RANDOM)
    roi_head.train_cfg.assigner.ignore_iof_thr = 0.5
    gt, proposals = random_image()
    ignored = InstanceData(bboxes=proposals.priors[-9:])
    rules = SelectionRules(roi_head.eval())
    gone = set(map(tuple, ignored.bboxes.tolist()))
    for record in rules(features(), proposals.priors, gt, ignored).values():
        assert not isinstance(record, str)
        assert not boxes_of(record) & gone


def test_rois_not_assigned_by_iou_are_an_error() -> None:
    roi_head = standard_roi_head(RANDOM)
    roi_head.train_cfg.assigner = dict(type='HungarianAssigner')
    with pytest.raises(TypeError, match=r'HungarianAssigner.*neg_iou_thr'):
        SelectionRules(roi_head)
