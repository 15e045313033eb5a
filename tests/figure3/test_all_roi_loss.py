"""The loss over all RoIs, beside a loop that takes one RoI at a time."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.utils import unpack_gt_instances
from torch import Tensor, nn

from mmdet_ohem.figure3 import AllRoILoss
from mmdet_ohem.figure3.loss_sums import mean_losses, pick_mean
from tests.figure3.detectors import (
    CONFIGS,
    NUM_CLASSES,
    OTHERS,
    batch_of_one,
    build,
    small_model,
)

POS_IOU_THR = {name: [0.5] for name in CONFIGS} | {'cascade': [0.5, 0.6, 0.7]}
STDS = [
    (0.1, 0.1, 0.2, 0.2),
    (0.05, 0.05, 0.1, 0.1),
    (0.033, 0.033, 0.067, 0.067),
]
Box = tuple[float, ...]


def iou(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0) * max(height, 0)
    areas = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return inter / (sum(areas) - inter)


def centre(box: Box) -> Box:
    x1, y1, x2, y2 = box
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def deltas(roi: Box, gt: Box, stds: Box) -> list[float]:
    """What the box branch has to predict, R-CNN's parametrisation."""
    (px, py, pw, ph), (gx, gy, gw, gh) = centre(roi), centre(gt)
    raw = [
        (gx - px) / pw,
        (gy - py) / ph,
        math.log(gw / pw),
        math.log(gh / ph),
    ]
    return [x / std for x, std in zip(raw, stds, strict=True)]


def moved(roi: Box, pred: list[float], stds: Box) -> Box:
    """A RoI where the box branch sees it, clipped to 256 x 256."""
    px, py, pw, ph = centre(roi)
    dx, dy, dw, dh = (x * std for x, std in zip(pred, stds, strict=True))
    x, y = px + pw * dx, py + ph * dy
    w, h = pw * math.exp(dw), ph * math.exp(dh)
    corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    return tuple(min(max(value, 0), 256) for value in corners)


def loc_loss(
    name: str, stage: int, pred: Tensor, target: list[float]
) -> float:
    error = (pred - torch.tensor(target)).abs()
    if name == 'cascade':  # smooth L1, beta = 1
        error = torch.where(error < 1, error**2 / 2, error - 0.5)
    return float(error.sum())


class Loop:
    """Sums by stage and kind, RoI by RoI."""

    def __init__(self, name: str, detector: Any, batch: dict) -> None:
        self.name = name
        self.head = detector.roi_head
        data = detector.data_preprocessor(batch, False)
        samples = data['data_samples']
        self.feats = detector.extract_feat(data['inputs'])
        boxes = proposals(detector, self.feats, samples)
        (gt,), _, _ = unpack_gt_instances(samples)
        self.gts = [tuple(box) for box in gt.bboxes.tolist()]
        self.labels = gt.labels.tolist()
        self.losses: list[dict[str, list[tuple[float, float]]]] = []
        rois = [tuple(box) for box in boxes.tolist()]
        for stage in range(len(POS_IOU_THR[name])):
            self.losses.append(dict(fg=[], near_bg=[], far_bg=[]))
            refined = [self.visit(stage, roi) for roi in rois]
            for gt_box in self.gts:
                self.visit(stage, gt_box)
            rois = refined

    def visit(self, stage: int, roi: Box) -> Box:
        """Add the losses of a RoI; returns where the next stage has it."""
        scores, pred = self.predict(stage, roi)
        overlaps = [iou(roi, gt) for gt in self.gts]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=-1)
        overlap = overlaps[best] if self.gts else 0.0
        is_fg = overlap >= POS_IOU_THR[self.name][stage]
        label = self.labels[best] if is_fg else NUM_CLASSES
        cls = float(F.cross_entropy(scores[None], torch.tensor([label])))
        # Cascade R-CNN predicts one box for all classes.
        own = pred if len(pred) == 4 else pred[4 * label : 4 * label + 4]
        stds = STDS[stage]
        loc = 0.0
        if is_fg:
            target = deltas(roi, self.gts[best], stds)
            loc = loc_loss(self.name, stage, own, target)
        kind = 'fg' if is_fg else 'near_bg' if overlap >= 0.1 else 'far_bg'
        self.losses[stage][kind].append((cls, loc))
        if len(pred) > 4:
            return roi  # no next stage
        return moved(roi, pred.tolist(), stds)

    def predict(self, stage: int, roi: Box) -> tuple[Tensor, Tensor]:
        rois = torch.tensor([[0.0, *roi]])
        stages = (stage,) if self.name == 'cascade' else ()
        out = self.head._bbox_forward(*stages, self.feats, rois)
        return out['cls_score'][0], out['bbox_pred'][0]


def proposals(detector: Any, feats: Any, samples: list) -> Tensor:
    """The boxes that a training would sample from."""
    if not detector.with_rpn:
        return samples[0].proposals.bboxes
    (found,) = detector.rpn_head.predict_by_feat(
        *detector.rpn_head(feats),
        batch_img_metas=[samples[0].metainfo],
        cfg=detector.train_cfg.rpn_proposal,
        rescale=False,
    )
    return found.bboxes


def check_against_loop(name: str, detector: Any, batch: dict) -> list:
    means = mean_losses(AllRoILoss(detector)(batch))
    with torch.no_grad():
        loop = Loop(name, detector.eval(), batch)
    for stage, of_stage in enumerate(loop.losses):
        for kind, losses in of_stage.items():
            found = pick_mean(means, stage, kind)
            assert found is not None
            assert found.num_rois == len(losses), (stage, kind)
            if losses:
                cls, loc = torch.tensor(losses, dtype=torch.double).mean(0)
                expected = [float(cls), float(loc)]
                assert [found.cls, found.loc] == pytest.approx(
                    expected, rel=1e-4, abs=1e-5
                ), (stage, kind)
    assert len(means) == 4 * len(loop.losses)
    return means


@pytest.mark.parametrize('name', CONFIGS)
def test_equals_a_plain_loop(name: str) -> None:
    detector = build(small_model(name))
    means = check_against_loop(name, detector, batch_of_one())
    # Of 40 proposals and 3 ground-truth boxes each.
    assert [m.num_rois for m in means if m.kind == 'all'] == [43] * len(
        POS_IOU_THR[name]
    )
    assert all(m.loc > 0 for m in means if m.kind == 'fg')


@pytest.mark.parametrize('name', ['fast', 'cascade'])
def test_images_without_ground_truth_are_background(name: str) -> None:
    detector = build(small_model(name))
    means = check_against_loop(name, detector, batch_of_one(num_gts=0))
    counts = {mean.kind: mean.num_rois for mean in means}
    assert counts['fg'] == counts['near_bg'] == 0
    assert counts['far_bg'] == counts['all'] > 0


def test_without_a_proposal_ground_truth_remains() -> None:
    detector = build(small_model('fast'))
    batch = batch_of_one(num_proposals=0)
    means = check_against_loop('fast', detector, batch)
    assert [mean.num_rois for mean in means] == [3, 3, 0, 0]


def test_nothing_at_all_is_no_roi() -> None:
    loss = AllRoILoss(build(small_model('fast')))
    sums = loss(batch_of_one(num_gts=0, num_proposals=0))
    assert not sums.any()


@pytest.mark.parametrize('name', OTHERS)
def test_serves_other_detectors(name: str) -> None:
    loss = AllRoILoss(build(small_model(name)))
    means = mean_losses(loss(batch_of_one()))
    every = [mean for mean in means if mean.kind == 'all']
    assert len(every) == (3 if name in ('htc', 'sabl') else 1)
    for mean in every:
        # Each stage has all 40 proposals of the RPN and 3 boxes.
        assert (mean.num_rois, mean.non_finite) == (43, 0)
        assert mean.cls > 0 and mean.loc > 0


ASSIGNERS = {
    'bg_lo': dict(neg_iou_thr=(0.1, 0.5)),
    'gap': dict(neg_iou_thr=0.3),
    'integer': dict(neg_iou_thr=0),
}


@pytest.mark.parametrize('assigner', ASSIGNERS.values(), ids=list(ASSIGNERS))
def test_no_roi_is_ignored_whatever_the_run_does(assigner: dict) -> None:
    batch = batch_of_one()
    sums = []
    for changes in ({}, assigner):
        model = small_model('fast')
        model.train_cfg.rcnn.assigner.update(changes)
        torch.manual_seed(1)
        sums.append(AllRoILoss(build(model))(batch))
    assert torch.equal(*sums)


def test_images_can_be_taken_in_any_order() -> None:
    loss = AllRoILoss(build(small_model('cascade')))
    batches = [batch_of_one(), batch_of_one(num_gts=1)]
    first, second = (loss(batch) for batch in batches)
    both = loss(batches[1]) + loss(batches[0])
    assert torch.allclose(first + second, both, rtol=1e-12, atol=0)


def test_can_be_computed_twice() -> None:
    """mmdet's own loss renames the proposals of the data sample."""
    loss = AllRoILoss(build(small_model('fast')))
    batch = batch_of_one()
    assert torch.equal(loss(batch), loss(batch))


@pytest.mark.parametrize('name', ['faster', 'cascade'])
def test_the_detector_is_as_before(name: str) -> None:
    detector = build(small_model(name))
    detector.backbone.layer1.eval()
    detector.roi_head.insert = nn.BatchNorm2d(3)
    flags = [module.training for module in detector.modules()]
    state = {k: v.clone() for k, v in detector.state_dict().items()}
    test_cfg = detector.rpn_head.test_cfg
    loss, batch = AllRoILoss(detector), batch_of_one()
    random = torch.random.get_rng_state()
    loss(batch)
    assert torch.equal(torch.random.get_rng_state(), random)
    assert [module.training for module in detector.modules()] == flags
    assert all(
        torch.equal(v, state[k]) for k, v in detector.state_dict().items()
    )
    assert detector.rpn_head.test_cfg is test_cfg


def test_another_kind_of_detector_is_an_error() -> None:
    with pytest.raises(TypeError, match=r'Conv2d has no roi_head.*two-stage'):
        AllRoILoss(nn.Conv2d(1, 1, 1))


def test_an_assigner_without_threshold_is_an_error() -> None:
    model = small_model('fast')
    model.train_cfg.rcnn.assigner = dict(
        type='HungarianAssigner', match_costs=[dict(type='IoUCost')]
    )
    with pytest.raises(TypeError, match=r'HungarianAssigner.*pos_iou_thr'):
        AllRoILoss(build(model))


def test_fast_rcnn_without_proposals_is_an_error() -> None:
    batch = batch_of_one()
    del batch['data_samples'][0].proposals
    with pytest.raises(ValueError, match=r'no RPN.*proposal_file'):
        AllRoILoss(build(small_model('fast')))(batch)


def test_on_each_device(device: torch.device) -> None:
    detector = build(small_model('cascade'))
    batch = batch_of_one()
    expected = AllRoILoss(detector)(batch)
    found = AllRoILoss(detector.to(device))(batch)
    assert found.device.type == 'cpu'
    assert torch.allclose(found.sum(1), expected.sum(1), rtol=0.05)
