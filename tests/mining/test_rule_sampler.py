"""Any rule as a sampler, and its weights in the training loss."""

import copy
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures.bbox import bbox2roi

from mmdet_ohem.mining.rules import Rule, rule_names
from tests.mining.test_loss_masking_roi_head import (
    gradients,
    loss_masking_roi_head,
)
from tests.mining.test_ohem_sampler import loss_inputs
from tests.tiny import (
    OHEM,
    assign,
    cascade_roi_head,
    features,
    random_image,
    standard_roi_head,
)

FLOAT32 = dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32')
SOFT = ('isr', 'focal_weighting', 'score_hlr')


def rule_sampler(rule: Any, **keys: Any) -> dict:
    sampler = dict(type='mmdet_ohem.RuleSampler', num=16, rule=rule, **keys)
    if Rule(rule).wants_losses:
        sampler['readonly_head'] = FLOAT32
    return sampler


def losses_of(roi_head: Any, seed: int = 0) -> dict:
    torch.manual_seed(seed)
    gt, proposals = random_image()
    feats = features()
    torch.manual_seed(seed)
    return roi_head.loss(feats, *loss_inputs(gt, proposals))


@pytest.mark.parametrize('rule', rule_names())
def test_every_rule_trains(rule: str) -> None:
    losses = losses_of(standard_roi_head(rule_sampler(rule)))
    total = losses['loss_cls'] + losses['loss_bbox']
    assert total.isfinite()
    total.backward()


@pytest.mark.parametrize('rule', ['s_ohem', 'isr', 'random'])
def test_every_stage_of_a_cascade_has_its_rule(rule: str) -> None:
    roi_head = cascade_roi_head(rule_sampler(rule), rule_sampler('ohem'))
    losses = losses_of(roi_head)
    assert all(torch.isfinite(v).all() for v in losses.values())


@pytest.mark.parametrize('num_gts', [0, 3])
@pytest.mark.parametrize('rule', rule_names())
def test_degenerate_images_train(rule: str, num_gts: int) -> None:
    roi_head = standard_roi_head(rule_sampler(rule))
    for num_proposals in (0, 1, 5):
        gt, proposals = random_image(num_gts, num_proposals)
        losses = roi_head.loss(features(), *loss_inputs(gt, proposals))
        assert all(torch.isfinite(v).all() for v in losses.values())


def test_the_thin_forms_are_their_rules() -> None:
    for sampler, rule in (
        ('OHEMSampler', 'ohem'),
        ('HardNegativeSampler', 'hard_negatives'),
        ('AllRoISampler', 'all_rois'),
    ):
        chosen = []
        for cfg in (dict(type=f'mmdet_ohem.{sampler}', num=16), rule):
            if isinstance(cfg, str):
                cfg = dict(type='mmdet_ohem.RuleSampler', rule=cfg, num=16)
            torch.manual_seed(0)
            head = standard_roi_head(cfg)
            gt, proposals = random_image()
            result = head.bbox_sampler.sample(
                assign(proposals, gt), proposals, gt, feats=features()
            )
            chosen.append(torch.cat([result.pos_inds, result.neg_inds]))
        assert torch.equal(*chosen), sampler


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (
            dict(type='mmdet_ohem.AllRoISampler', nms_iou_thrr=0.1),
            "AllRoISampler has no key 'nms_iou_thrr'; it has num",
        ),
        (
            dict(type='mmdet_ohem.AllRoISampler', class_aware_nms=True),
            "AllRoISampler has no key 'class_aware_nms'",
        ),
        (
            dict(type='mmdet_ohem.HardNegativeSampler', pos_fractoin=0.5),
            "no key 'pos_fractoin'.*Did you mean pos_fraction",
        ),
        (
            dict(type='mmdet_ohem.RuleSampler', nms_iou_thr=0.5),
            "RuleSampler has no key 'nms_iou_thr'; it has num, rule",
        ),
        (
            dict(
                type='mmdet_ohem.RuleSampler', rule='random',
                readonly_head=FLOAT32,
            ),
            'readonly_head, which scores RoIs, but its rule',
        ),
    ],
)  # fmt: skip
def test_unknown_keys_are_errors_in_every_sampler(
    keys: dict, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        standard_roi_head(dict(num=16, **keys))


def test_a_rule_without_losses_needs_no_roi_head() -> None:
    sampler = TASK_UTILS.build(rule_sampler('random'))
    gt, proposals = random_image()
    result = sampler.sample(assign(proposals, gt), proposals, gt)
    assert len(result.pos_inds) + len(result.neg_inds) == 16
    assert not hasattr(sampler, 'last_record')


def test_the_record_has_the_weights() -> None:
    head = standard_roi_head(rule_sampler('focal_weighting'))
    losses_of(head)
    record = head.bbox_sampler.last_record
    assert record.weights.shape == record.hard.shape
    losses_of(other := standard_roi_head(rule_sampler('ohem')))
    assert other.bbox_sampler.last_record.weights is None


@pytest.mark.parametrize('rule', SOFT)
def test_the_loss_is_the_weighted_sum_over_the_chosen_rois(rule: str) -> None:
    head = standard_roi_head(rule_sampler(rule))
    torch.manual_seed(0)
    gt, proposals = random_image()
    feats = features()
    torch.manual_seed(0)
    result = head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=feats
    )
    torch.manual_seed(0)
    losses = head.loss(feats, *loss_inputs(gt, proposals))
    # By hand: the unweighted loss of each RoI, times its weight.
    plain = copy.copy(result)
    weights = plain.roi_weights
    del plain.roi_weights
    rois = bbox2roi([result.priors])
    out = head._bbox_forward(feats, rois)
    each = head.bbox_head.loss_and_target(
        out['cls_score'],
        out['bbox_pred'],
        rois,
        [plain],
        head.train_cfg,
        reduction_override='none',
    )['loss_bbox']
    expected = (each['loss_cls'] * weights).sum() / len(rois)
    torch.testing.assert_close(losses['loss_cls'], expected)
    assert weights.unique().numel() > 1
    # These rules weight classification only.
    torch.testing.assert_close(
        losses['loss_bbox'], each['loss_bbox'].sum() / len(rois)
    )


def test_weights_count_for_the_box_loss_where_the_rule_says_so() -> None:
    from mmdet_ohem.host.roi_weights import weigh

    head = standard_roi_head(rule_sampler('random'))
    gt, proposals = random_image()
    result = head.bbox_sampler.sample(assign(proposals, gt), proposals, gt)
    targets = head.bbox_head.get_targets([result], head.train_cfg)
    weights = torch.rand(len(result.priors))
    weigh(result, weights, True, head.bbox_head)
    found = head.bbox_head.get_targets([result, result], head.train_cfg)
    twice = torch.cat([weights, weights])
    assert torch.equal(found[0], targets[0].repeat(2))
    assert torch.equal(found[1], targets[1].repeat(2) * twice)
    assert torch.equal(found[2], targets[2].repeat(2, 1))
    assert torch.equal(found[3], targets[3].repeat(2, 1) * twice[:, None])
    apart = head.bbox_head.get_targets([result], head.train_cfg, concat=False)
    assert torch.equal(apart[1][0], targets[1] * weights)


def test_a_copy_of_the_head_weighs_its_own_targets() -> None:
    head = standard_roi_head(rule_sampler('focal_weighting'))
    losses_of(head)  # from now on its box head weighs
    twin = copy.deepcopy(head)
    assert twin.bbox_head.get_targets is not head.bbox_head.get_targets
    own = twin.bbox_head.get_targets.get_targets.__self__
    assert own is twin.bbox_head
    with torch.no_grad():
        torch.testing.assert_close(losses_of(twin), losses_of(head))


@pytest.mark.parametrize(
    'rule',
    [
        dict(type='ohem', nms_iou_thr=0.5, class_aware_nms=True),
        's_ohem',
        'hard_negatives',
        *SOFT,
    ],
)
def test_loss_masking_takes_the_same_rules(rule: Any) -> None:
    head = standard_roi_head(rule_sampler(rule))
    masking = loss_masking_roi_head(head, rule=rule)
    images, feats = [random_image(3, 70)], features()
    found = []
    for each in (head, masking):
        torch.manual_seed(1)  # some rules draw foreground at random
        found.append(gradients(each, feats, images))
    for name, grad in found[0].items():
        torch.testing.assert_close(found[1][name], grad, msg=name)


def test_loss_masking_refuses_unknown_keys_and_samplers_that_choose() -> None:
    head = standard_roi_head(OHEM)
    with pytest.raises(TypeError, match='nms_iou_thrr'):
        loss_masking_roi_head(head, nms_iou_thrr=0.1)
    with pytest.raises(TypeError, match=r'OHEMSampler, which chooses.*All'):
        MODELS.build(
            dict(
                type='mmdet_ohem.LossMaskingRoIHead',
                bbox_head=dict(type='Shared2FCBBoxHead'),
                bbox_roi_extractor=dict(
                    type='mmdet_ohem.RoIPoolExtractor', output_size=7
                ),
                train_cfg=head.train_cfg,
            )
        )


@pytest.mark.parametrize(
    'bbox_head',
    [
        dict(reg_class_agnostic=True),
        dict(loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True)),
        dict(
            loss_cls=dict(
                type='SeesawLoss', p=0.8, q=2.0, num_classes=4,
                loss_weight=1.0,
            )
        ),
    ],
)  # fmt: skip
def test_rules_that_look_at_predictions_serve_other_heads(
    bbox_head: dict,
) -> None:
    head = standard_roi_head(rule_sampler('isr'), **bbox_head)
    losses = losses_of(head)
    assert all(
        torch.isfinite(v).all() for k, v in losses.items() if 'loss' in k
    )
