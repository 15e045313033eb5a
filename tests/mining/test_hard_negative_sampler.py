"""Hard negative mining by confidence."""

import pytest
import torch
from mmdet.structures.bbox import bbox2roi

from tests.tiny import (
    NUM_CLASSES,
    assign,
    features,
    random_image,
    standard_roi_head,
)

SAMPLER = dict(
    type='mmdet_ohem.HardNegativeSampler',
    num=16,
    pos_fraction=0.25,
    readonly_head=dict(type='mmdet_ohem.ReadOnlyBBoxHead', dtype='float32'),
)


@pytest.mark.parametrize('num_gts', [0, 3])
def test_background_comes_by_descending_confidence(num_gts: int) -> None:
    roi_head = standard_roi_head(SAMPLER)
    gt, proposals = random_image(num_gts, 80)
    feats = features()
    result = roi_head.bbox_sampler.sample(
        assign(proposals, gt), proposals, gt, feats=feats
    )
    # By hand, of all proposals (ground truth is no background).
    roi_head.eval()
    scores = roi_head._bbox_forward(feats, bbox2roi([proposals.priors]))
    confidence = 1 - scores['cls_score'].softmax(1)[:, NUM_CLASSES]
    is_bg = assign(proposals, gt).gt_inds == 0
    confidence[~is_bg] = -1
    expected = confidence.argsort(descending=True)[: len(result.neg_inds)]
    assert torch.equal(result.neg_inds, expected + len(gt))
    assert len(result.pos_inds) == (4 if num_gts else 0)
    assert len(result.pos_inds) + len(result.neg_inds) == 16


def test_foreground_is_drawn_at_random() -> None:
    sampler = standard_roi_head(SAMPLER).bbox_sampler
    gt, proposals = random_image(3, 80)
    feats = features()
    drawn = [
        sampler.sample(assign(proposals, gt), proposals, gt, feats=feats)
        for _ in range(4)
    ]
    choices = {tuple(sorted(x.pos_inds.tolist())) for x in drawn}
    assert len(choices) > 1
    assert all((x.pos_gt_labels >= 0).all() for x in drawn)


def test_few_background_rois_are_all_taken() -> None:
    sampler = standard_roi_head(SAMPLER).bbox_sampler
    gt, proposals = random_image(2, 5)
    result = sampler.sample(
        assign(proposals, gt), proposals, gt, feats=features()
    )
    assert len(result.neg_inds) == int(
        (assign(proposals, gt).gt_inds == 0).sum()
    )


def test_without_features_it_says_what_it_needs() -> None:
    sampler = standard_roi_head(SAMPLER).bbox_sampler
    gt, proposals = random_image()
    with pytest.raises(TypeError, match='needs feats'):
        sampler.sample(assign(proposals, gt), proposals, gt)
