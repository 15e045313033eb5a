"""What each mining rule chooses."""

import math

import pytest
import torch
from mmdet.models.losses import pisa_loss
from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import RandomSampler
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmdet_ohem import select_hard_examples
from mmdet_ohem.mining.rules import (
    PredictedRoIs,
    Rule,
    focal_weighting,
    hard_negatives,
    iou_balanced_negatives,
    isr,
    ohem,
    random_rois,
    rule_names,
    s_ohem,
    score_hlr,
)
from tests.mining.rules.rois import (
    NUM_CLASSES,
    rois_by_hand,
)
from tests.mining.rules.rois import (
    random_rois as make_rois,
)

NAN = float('nan')


@pytest.mark.parametrize('name', rule_names())
@pytest.mark.parametrize(
    ('num_fg', 'num_bg'), [(6, 30), (0, 30), (6, 0), (0, 0), (0, 1), (1, 0)]
)
def test_every_rule_chooses_known_rois_once(
    name: str, num_fg: int, num_bg: int
) -> None:
    rois = make_rois(num_fg, num_bg)
    choice = Rule(name)(rois, 8)
    assert choice.inds.dtype == torch.int64
    assert len(choice.inds.unique()) == len(choice.inds)
    assert set(choice.inds.tolist()) <= set(range(len(rois)))
    if name != 'all_rois':
        assert len(choice.inds) <= 8
    if choice.weights is not None:
        assert choice.weights.shape == choice.inds.shape
        assert choice.weights.isfinite().all()
        assert (choice.weights >= 0).all()
    for mask in choice.left_out.values():
        assert mask.shape == (len(rois),)
        assert not mask[choice.inds].any()


@pytest.mark.parametrize('neg_pos_ub', [-1, 1, 3])
@pytest.mark.parametrize('num_fg', [0, 1, 20])
def test_random_draws_what_mmdets_sampler_draws(
    num_fg: int, neg_pos_ub: int
) -> None:
    rois = make_rois(num_fg, 40)
    torch.manual_seed(3)
    found = random_rois(rois, 16, 0.25, neg_pos_ub).inds
    sampler = RandomSampler(16, 0.25, neg_pos_ub, add_gt_as_proposals=False)
    assigned = AssignResult(
        20, rois.gt_inds + 1, rois.max_overlaps, rois.labels
    )
    torch.manual_seed(3)
    expected = sampler.sample(
        assigned,
        InstanceData(priors=rois.boxes),
        InstanceData(bboxes=torch.zeros(20, 4), labels=torch.zeros(20)),
    )
    assert found.tolist() == [
        *expected.pos_inds.tolist(),
        *expected.neg_inds.tolist(),
    ]


@pytest.mark.parametrize('class_aware_nms', [False, True])
@pytest.mark.parametrize('nms_iou_thr', [None, 0.3, 0.7])
def test_ohem_is_the_selection_of_hard_examples(
    nms_iou_thr: float | None, class_aware_nms: bool
) -> None:
    rois = make_rois(20, 60)
    choice = ohem(rois, 12, nms_iou_thr, class_aware_nms)
    labels = rois.labels if class_aware_nms else None
    assert torch.equal(
        choice.inds,
        select_hard_examples(
            rois.losses.total, rois.boxes, 12, nms_iou_thr, labels
        ),
    )
    assert choice.weights is None


def test_ohem_says_what_it_left_out_and_why() -> None:
    same = torch.tensor([[0.0, 0, 9, 9]]).repeat(4, 1)
    same[3] += 100
    rois = rois_by_hand([1.0, 2.0, NAN, 0.5], boxes=same)
    choice = ohem(rois, 9)
    assert choice.inds.tolist() == [1, 3]
    assert choice.left_out['duplicate'].tolist() == [True, False, False, False]
    assert choice.left_out['not finite'].tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_hard_negatives_are_ranked_by_classification_alone() -> None:
    rois = rois_by_hand(
        [9.0, 1.0, 3.0, NAN, 2.0], [0.0, 9, 0, 0, 0], [0, -1, -1, -1, -1]
    )
    choice = hard_negatives(rois, 3, 0.5)
    assert choice.inds.tolist() == [0, 2, 4]
    assert choice.left_out['not finite'].tolist() == [False] * 3 + [True] + [
        False
    ]


def test_s_ohem_deals_out_places_to_strata() -> None:
    # RoIs 0, 1, 5 have the larger box loss; the sum ranks 4 3 2 0 1 5 6.
    cls = [0.1, 0.1, 3.0, 4.0, 5.0, 0.1, 0.2]
    loc = [0.9, 0.8, 0.0, 0.0, 0.0, 0.2, 0.0]
    rois = rois_by_hand(cls, loc, [0, 0, -1, -1, -1, 0, -1])
    assert s_ohem(rois, 4, 0.0).inds.tolist() == [4, 3, 2, 6]
    assert s_ohem(rois, 4, 0.5).inds.tolist() == [4, 3, 0, 1]
    assert s_ohem(rois, 4, 1.0).inds.tolist() == [4, 0, 1, 5]
    # Free places of a stratum go to the other one.
    assert s_ohem(rois, 6, 1.0).inds.tolist() == [4, 3, 2, 0, 1, 5]
    assert s_ohem(rois, 6, 0.0).inds.tolist() == [4, 3, 2, 0, 1, 6]


def test_s_ohem_equals_ohem_where_all_places_are_filled() -> None:
    rois = make_rois(10, 20)
    assert torch.equal(s_ohem(rois, 99).inds, ohem(rois, 99).inds)


def test_isr_ranks_by_object_then_by_iou_by_hand() -> None:
    # Two objects of class 0: RoIs 0 and 1 of the first, 2 of the second; the
    # best of each object come first, then the second best.
    rois = rois_by_hand(
        [1.0, 2.0, 3.0, 1.0],
        labels=[0, 0, 0, -1],
        gt_inds=torch.tensor([0, 0, 1, -1]),
        gt_boxes=torch.tensor([[0.0, 0, 10, 10]] * 4),
        refined_boxes=torch.tensor(
            [[0.0, 0, 10, 8], [0, 0, 10, 9], [0, 0, 10, 2], [0, 0, 1, 1]]
        ),
    )
    choice = isr(rois, 4, pos_fraction=1.0, k=1.0)
    assert choice.inds.tolist() == [0, 1, 2, 3]
    # Ranks: RoI 1 (best of object 0) 0, RoI 2 (of object 1) 1, RoI 0 2.
    importance = torch.tensor([1 / 3, 1.0, 2 / 3])
    losses = torch.tensor([1.0, 2.0, 3.0])
    scale = losses.sum() / (importance * losses).sum()
    assert choice.weights is not None
    torch.testing.assert_close(choice.weights[:3], importance * scale)
    assert choice.weights[3] == 1
    assert not choice.weigh_loc


class _Identity:
    """A box coder whose deltas are boxes."""

    def decode(self, boxes: Tensor, deltas: Tensor) -> Tensor:
        return deltas


@pytest.mark.parametrize('bias', [0.0, 0.2])
@pytest.mark.parametrize('seed', range(3))
def test_isr_weights_are_those_of_mmdets_pisa(seed: int, bias: float) -> None:
    torch.manual_seed(seed)
    rois = make_rois(12, 0)
    gts = torch.arange(12) % 5
    labels = gts % NUM_CLASSES  # an object has one class
    scores = torch.randn(12, NUM_CLASSES + 1)
    losses = nn.functional.cross_entropy(scores, labels, reduction='none')
    values = vars(rois) | dict(
        labels=labels,
        gt_inds=gts,
        losses=rois.losses._replace(cls=losses),
    )
    values.pop('is_fg', None)
    found = isr(PredictedRoIs(**values), 12, 1.0, 2.0, bias).weights

    def loss_cls(x: Tensor, y: Tensor, reduction_override: str) -> Tensor:
        return nn.functional.cross_entropy(x, y, reduction=reduction_override)

    deltas = rois.refined_boxes.repeat(1, NUM_CLASSES)
    _, expected, _, _ = pisa_loss.isr_p(
        scores,
        deltas,
        (labels, torch.ones(12), rois.gt_boxes, torch.ones(12, 4)),
        torch.cat([torch.zeros(12, 1), rois.boxes], 1),
        [InstanceData(pos_assigned_gt_inds=gts)],
        loss_cls,
        _Identity(),
        bias=bias,
        num_class=NUM_CLASSES,
    )
    assert found is not None
    torch.testing.assert_close(found, expected)


def test_focal_weights_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.0, 0.0, 0.1], [0.2, 0.3, 0.0, 0.5]])
    rois = rois_by_hand([1.0, 1.0], labels=[0, -1], scores=scores)
    choice = focal_weighting(rois, 2, pos_fraction=0.5)
    raw = torch.tensor([0.1**2, 0.5**2])
    assert choice.weights is not None
    torch.testing.assert_close(choice.weights, raw / raw.mean())
    even = focal_weighting(rois, 2, pos_fraction=0.5, gamma=0.0)
    assert even.weights is not None
    assert even.weights.tolist() == [1, 1]


def test_sure_predictions_leave_focal_weights_finite() -> None:
    scores = torch.tensor([[0.0, 0, 0, 1]] * 3)
    choice = focal_weighting(rois_by_hand([0.0] * 3, scores=scores), 3)
    assert choice.weights is not None
    assert choice.weights.tolist() == [1, 1, 1]


def test_iou_balanced_negatives_are_spread_over_iou() -> None:
    num = 300
    overlaps = torch.cat([torch.full((270,), 0.01), torch.full((30,), 0.4)])
    rois = rois_by_hand([1.0] * num, max_overlaps=overlaps)
    choice = iou_balanced_negatives(rois, 30)
    far = int((overlaps[choice.inds] < 0.1).sum())
    # At random, 27 of 30 would be far; of three bins of IoU each gets a
    # third, the empty middle one is filled at random.
    assert 10 <= far <= 20
    assert len(choice.inds) == 30


def test_score_hlr_prefers_sure_false_positives() -> None:
    scores = torch.full((6, NUM_CLASSES + 1), 0.01)
    scores[:, -1] = 1
    scores[:3, 0] = torch.tensor([0.9, 0.6, 0.3])
    scores[:3, -1] = torch.tensor([0.1, 0.4, 0.7])
    rois = rois_by_hand([3.0, 2.0, 1.0, 0.1, 0.1, 0.1], scores=scores)
    choice = score_hlr(rois, 3)
    assert choice.inds.tolist() == [0, 1, 2]
    # Ranks 0, 1, 2 of 3 to the power of one half, losses' sum unchanged.
    raw = torch.tensor([1.0, 2 / 3, 1 / 3]) ** 0.5
    losses = torch.tensor([3.0, 2.0, 1.0])
    scale = losses.sum() / (raw * losses).sum()
    assert choice.weights is not None
    torch.testing.assert_close(choice.weights, raw * scale)


def test_score_hlr_does_not_mix_up_the_order_of_rois() -> None:
    rois = make_rois(4, 40)
    choice = score_hlr(rois, 20, pos_fraction=0.1)
    is_fg = rois.is_fg[choice.inds]
    assert is_fg.tolist() == sorted(is_fg.tolist(), reverse=True)
    assert choice.weights is not None
    assert (choice.weights[is_fg] == 1).all()


@pytest.mark.parametrize(
    ('rule', 'message'),
    [
        (dict(type='ohem', nms_iou_thr=70), 'nms_iou_thr must be .* got 70'),
        (dict(type='random', pos_fraction=2), 'pos_fraction .* got 2'),
        (dict(type='s_ohem', loc_share=-1), 'loc_share .* got -1'),
        (dict(type='focal_weighting', gamma=-1), 'gamma .* got -1'),
        (dict(type='isr', pos_fraction=-1), 'pos_fraction .* got -1'),
        (dict(type='score_hlr', pos_fraction=7), 'pos_fraction .* got 7'),
    ],
)
def test_bad_values_are_errors_at_construction(
    rule: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Rule(rule)


def test_weights_of_rules_do_not_change_the_mean_much() -> None:
    rois = make_rois(12, 40)
    for name in ('isr', 'focal_weighting', 'score_hlr'):
        weights = Rule(name)(rois, 24).weights
        assert weights is not None
        assert math.isclose(float(weights.mean()), 1, abs_tol=0.7), name


@pytest.mark.parametrize('ranked_by', ['total', 'cls', 'loc'])
def test_ohem_ranks_by_the_loss_that_is_named(ranked_by: str) -> None:
    rois = make_rois(12, 30)
    loss = {
        'total': rois.losses.cls + rois.losses.loc,
        'cls': rois.losses.cls,
        'loc': rois.losses.loc,
    }[ranked_by]
    found = ohem(rois, 10, nms_iou_thr=None, ranked_by=ranked_by).inds
    expected = loss.argsort(descending=True, stable=True)[:10]
    assert torch.equal(loss[found], loss[expected])


def test_ohem_refuses_another_loss() -> None:
    with pytest.raises(ValueError, match=r'ranked_by must be one of'):
        Rule(dict(type='ohem', ranked_by='box'))
