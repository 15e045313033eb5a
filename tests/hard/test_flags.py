"""Which RoIs are flagged, by hand-worked cases."""

import pytest
import torch
from torch import Tensor

from mmdet_ohem.hard.flags import FlagRules, find_flags
from mmdet_ohem.hard.records import FALSE_POSITIVE, MISSING, OTHER_CLASS
from mmdet_ohem.mining.roi_loss import RoILosses
from mmdet_ohem.mining.rules import PredictedRoIs

# Far apart, so that the NMS leaves all of them.
BOXES = torch.arange(6)[:, None] * 100 + torch.tensor([0.0, 0, 50, 50])
CAT, DOG, SURE, UNSURE = 0, 1, 0.9, 0.6


def scores(label: int, score: float) -> Tensor:
    found = torch.full((3,), (1 - score) / 2)
    found[label] = score
    return found


def rois(
    labels: list[int],
    predicted: list[tuple[int, float]],
    boxes: Tensor = BOXES,
) -> PredictedRoIs:
    num = len(labels)
    return PredictedRoIs(
        boxes=boxes[:num],
        labels=torch.tensor(labels),
        gt_inds=torch.tensor(labels),
        gt_boxes=torch.zeros(num, 4),
        max_overlaps=None,
        losses=RoILosses(torch.ones(num), torch.zeros(num)),
        scores=torch.stack([scores(*x) for x in predicted]),
        refined_boxes=boxes[:num],
    )


def flags(found: PredictedRoIs, overlaps: list[float]) -> dict[str, list]:
    of = torch.tensor(overlaps)
    return {
        flag: inds.tolist()
        for flag, inds in find_flags(found, of, of, FlagRules()).items()
    }


def test_each_case_has_its_flag() -> None:
    found = rois(
        [-1, -1, CAT, CAT, -1, -1],
        [
            (CAT, SURE),
            (CAT, SURE),
            (DOG, SURE),
            (CAT, SURE),
            (CAT, UNSURE),
            (2, SURE),
        ],
    )
    assert flags(found, [0.05, 0.3, 0.8, 0.8, 0.0, 0.0]) == {
        MISSING: [0],
        OTHER_CLASS: [2],
        FALSE_POSITIVE: [1],
    }


def test_a_refined_box_on_an_object_is_no_missing_label() -> None:
    found = rois([-1], [(CAT, SURE)])
    far, near = torch.tensor([0.0]), torch.tensor([0.5])
    result = find_flags(found, far, near, FlagRules())
    assert result[MISSING].tolist() == []
    assert result[FALSE_POSITIVE].tolist() == [0]


def test_one_thing_is_flagged_once_by_its_best_roi() -> None:
    boxes = BOXES[:1] + torch.tensor([[0.0], [2], [4]])
    found = rois([-1] * 3, [(CAT, 0.8), (CAT, 0.95), (CAT, 0.9)], boxes)
    assert flags(found, [0.0] * 3)[MISSING] == [1]


def test_a_loss_that_is_not_finite_is_not_flagged() -> None:
    found = rois([-1], [(CAT, SURE)])
    found.losses.cls[0] = float('nan')
    assert flags(found, [0.0])[MISSING] == []


def test_rules_are_shares() -> None:
    with pytest.raises(ValueError, match='score_thr is 2'):
        FlagRules(score_thr=2)
