"""The sampler as a whole: what is mined, and what training then sees."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.structures import InstanceData
from torch import nn

from mmdet_ohem import OHEMSampler, select_hard_examples
from mmdet_ohem.mining import inherited_keys, non_finite_losses
from mmdet_ohem.mining.roi_loss import RoILosses
from tests.tiny import (
    NUM_CLASSES,
    OHEM,
    assign,
    cascade_roi_head,
    features,
    random_image,
    rcnn_train_cfg,
    standard_roi_head,
)

FLOAT32 = dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32')


def loss_inputs(
    gt: InstanceData, proposals: InstanceData
) -> tuple[list[InstanceData], list[DetDataSample]]:
    """What ``roi_head.loss`` takes, for one image."""
    sample = DetDataSample(
        gt_instances=gt,
        ignored_instances=InstanceData(
            bboxes=torch.empty(0, 4), labels=torch.empty(0, dtype=torch.long)
        ),
        metainfo=dict(img_shape=(256, 256), scale_factor=(1.0, 1.0)),
    )
    return [InstanceData(bboxes=proposals.priors.clone())], [sample]


@pytest.mark.parametrize('class_aware_nms', [False, True])
@pytest.mark.parametrize('seed', range(4))
def test_mines_what_the_rule_selects_among_all_rois(
    seed: int, class_aware_nms: bool
) -> None:
    torch.manual_seed(seed)
    roi_head = standard_roi_head(
        OHEM | dict(class_aware_nms=class_aware_nms, readonly_head=FLOAT32)
    )
    gt, proposals = random_image(num_proposals=80)
    feats = features()
    # By hand: ground truth first, then proposals, each with its loss.
    boxes = torch.cat([gt.bboxes, proposals.priors])
    assigned = assign(InstanceData(priors=boxes), gt).gt_inds
    out = roi_head._bbox_forward(feats, bbox2roi([boxes]))
    labels = torch.where(
        assigned > 0, gt.labels[(assigned - 1).clamp(min=0)], NUM_CLASSES
    )
    head = roi_head.bbox_head
    loss = nn.functional.cross_entropy(
        out['cls_score'], labels, reduction='none'
    )
    deltas = out['bbox_pred'].view(len(boxes), NUM_CLASSES, 4)
    for i in (assigned > 0).nonzero().flatten().tolist():
        target = head.bbox_coder.encode(
            boxes[i : i + 1], gt.bboxes[assigned[i] - 1 :][:1]
        )
        loss[i] += nn.functional.smooth_l1_loss(
            deltas[i, labels[i]], target[0], reduction='sum'
        )
    expected = select_hard_examples(
        loss, boxes, 16, labels=labels if class_aware_nms else None
    )

    found = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=feats
    )
    is_pos = assigned[expected] > 0
    assert found.pos_inds.tolist() == expected[is_pos].tolist()
    assert found.neg_inds.tolist() == expected[~is_pos].tolist()
    assert torch.equal(found.pos_priors, boxes[found.pos_inds])
    assert torch.equal(found.neg_priors, boxes[found.neg_inds])
    assert torch.equal(
        found.pos_gt_bboxes, gt.bboxes[assigned[found.pos_inds] - 1]
    )
    assert torch.equal(found.pos_gt_labels, labels[found.pos_inds])
    assert torch.equal(found.pos_is_gt, (found.pos_inds < len(gt)).byte())
    assert found.avg_factor == max(len(found.pos_inds), 1) + max(
        len(found.neg_inds), 1
    )


def test_no_ratio_an_easy_foreground_leaves_the_batch_to_background() -> None:
    roi_head = standard_roi_head(OHEM | dict(nms_iou_thr=None))
    head = roi_head.bbox_head
    gt, proposals = random_image(num_gts=1, num_proposals=80)
    nn.init.zeros_(head.fc_reg.weight)
    for layer in (head.fc_cls,):
        nn.init.zeros_(layer.weight)
    # All RoIs score as the object's class: foreground is right, all
    # background is wrong.
    head.fc_cls.bias.data = torch.tensor([9.0, 0, 0, 0, 0])
    found = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    assert (len(found.pos_inds), len(found.neg_inds)) == (0, 16)
    # The other way round.
    head.fc_cls.bias.data = torch.tensor([-9.0, 0, 0, 0, 9.0])
    gt, proposals = random_image(num_gts=4, num_proposals=80)
    gt.labels[:] = 0
    found = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    assert (len(found.pos_inds), len(found.neg_inds)) == (16, 0)


def test_gradients_reach_only_the_mined_rois() -> None:
    roi_head = standard_roi_head(OHEM | dict(num=4))
    gt, proposals = random_image()
    feats = [feat.requires_grad_() for feat in features()]
    mined = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=feats
    )
    losses = roi_head.loss(feats, *loss_inputs(gt, proposals))
    total = losses['loss_cls'] + losses['loss_bbox']
    (grad,) = torch.autograd.grad(total, feats[0])
    touched = grad.abs().sum((0, 1)) > 0
    inside = torch.zeros_like(touched)
    for x1, y1, x2, y2 in (mined.priors / 16).round().int().tolist():
        inside[y1 : y2 + 1, x1 : x2 + 1] = True
    assert touched.any()
    assert not (touched & ~inside).any()
    # And the loss is averaged over the mined RoIs.
    rois = bbox2roi([mined.priors])
    out = roi_head._bbox_forward(feats, rois)
    expected = roi_head.bbox_head.loss_and_target(
        out['cls_score'], out['bbox_pred'], rois, [mined], roi_head.train_cfg
    )['loss_bbox']
    torch.testing.assert_close(losses['loss_cls'], expected['loss_cls'])


@pytest.mark.parametrize(
    ('num_gts', 'num_proposals'), [(0, 20), (3, 0), (0, 1), (1, 0), (0, 0)]
)
def test_degenerate_images_train(num_gts: int, num_proposals: int) -> None:
    roi_head = standard_roi_head()
    gt, proposals = random_image(num_gts, num_proposals)
    feats = features()
    losses = roi_head.loss(feats, *loss_inputs(gt, proposals))
    assert all(torch.isfinite(v).all() for v in losses.values())
    found = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=feats
    )
    num_rois = num_gts + num_proposals
    assert len(found.pos_inds) + len(found.neg_inds) <= min(16, num_rois)


def test_fewer_rois_than_num_are_all_kept_without_nms() -> None:
    roi_head = standard_roi_head(OHEM | dict(num=500, nms_iou_thr=None))
    gt, proposals = random_image(3, 60)
    found = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    assert len(found.pos_inds) + len(found.neg_inds) == 63


def test_ignored_rois_are_no_candidates() -> None:
    roi_head = standard_roi_head(OHEM | dict(num=500, nms_iou_thr=None))
    gt, proposals = random_image(3, 60)
    assign_result = assign(proposals, gt)
    assign_result.gt_inds[10:30] = -1
    found = roi_head.bbox_sampler.sample(
        assign_result, proposals, gt, feats=features()
    )
    mined = torch.cat([found.pos_inds, found.neg_inds])
    # Ground truth stands before the proposals.
    assert not set(mined.tolist()) & set(range(13, 33))
    assert len(mined) == 43


def test_losses_that_are_not_finite_are_counted_and_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: list[tuple[int, str]] = []
    monkeypatch.setattr(
        non_finite_losses,
        'print_log',
        lambda text, level, **_: messages.append((level, text)),
    )
    roi_head = standard_roi_head()
    sampler = roi_head.bbox_sampler

    def with_bad_ones(feats: Any, result: Any) -> RoILosses:
        losses = torch.rand(len(result.priors))
        losses[[1, 5]] = torch.tensor([float('nan'), float('inf')])
        return RoILosses(losses, torch.zeros_like(losses))

    sampler.readonly_head = SimpleNamespace(losses=with_bad_ones)
    gt, proposals = random_image()
    for _ in range(2):
        sampler.sample(assign(proposals, gt), proposals, gt, feats=features())
    assert sampler.num_non_finite == 4
    assert len(messages) == 1
    level, text = messages[0]
    assert level == logging.WARNING
    assert 'the loss of 2 of 63 RoIs is not finite' in text


def test_works_by_changing_only_the_type_of_an_inherited_sampler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        inherited_keys, 'print_log', lambda text, **_: messages.append(text)
    )
    inherited_keys._report_unused.cache_clear()
    inherited = dict(
        type='mmdet_ohem.OHEMSampler',
        num=16,
        pos_fraction=0.25,
        neg_pos_ub=-1,
        add_gt_as_proposals=True,
    )
    for _ in range(3):
        standard_roi_head(inherited)
    assert len(messages) == 1
    assert 'does not use neg_pos_ub and pos_fraction' in messages[0]


def test_an_unknown_key_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError, match="no key 'nms_iou_thresh'; it has num"):
        standard_roi_head(OHEM | dict(nms_iou_thresh=0.7))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(num=0), 'num must be at least 1 RoI, got 0'),
        (dict(nms_iou_thr=70), r'nms_iou_thr must be .* got 70'),
        (dict(warmup_iters=-1), 'warmup_iters must be 0 or more, got -1'),
    ],
)
def test_bad_values_are_errors_at_construction(
    kwargs: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        standard_roi_head(OHEM | kwargs)


def test_an_rpn_is_refused_with_the_remedy() -> None:
    rpn = dict(
        type='RPNHead',
        in_channels=8,
        train_cfg=rcnn_train_cfg(OHEM),
        test_cfg=dict(),
    )
    with pytest.raises(TypeError, match=r'RPNHead has no bbox_head.*Put the'):
        MODELS.build(rpn)


def test_without_context_it_says_where_it_belongs() -> None:
    with pytest.raises(TypeError, match=r'NoneType has no bbox_head.*Put the'):
        OHEMSampler(num=16)


def test_without_features_it_says_what_it_needs() -> None:
    roi_head = standard_roi_head()
    gt, proposals = random_image()
    with pytest.raises(TypeError, match='needs feats'):
        roi_head.bbox_sampler.sample(assign(proposals, gt), proposals, gt)


def test_each_stage_of_a_cascade_is_mined_with_its_own_head() -> None:
    roi_head = cascade_roi_head(OHEM, OHEM)
    for stage, sampler in enumerate(roi_head.bbox_sampler):
        assert sampler.readonly_head.bbox_head is roi_head.bbox_head[stage]
    gt, proposals = random_image()
    losses = roi_head.loss(features(), *loss_inputs(gt, proposals))
    assert {'s0.loss_cls', 's1.loss_cls', 's1.loss_bbox'} <= set(losses)
    assert all(torch.isfinite(v).all() for v in losses.values())


def test_the_plain_name_is_still_mmdets_own() -> None:
    from mmdet.models.task_modules.samplers import OHEMSampler as Stock

    assert TASK_UTILS.get('OHEMSampler') is Stock
    assert TASK_UTILS.get('mmdet_ohem.OHEMSampler') is OHEMSampler
