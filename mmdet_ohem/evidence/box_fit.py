"""How well boxes fit before any NMS, and whether their scores tell.

AP at a strict IoU asks for both: boxes that fit, and higher scores for those
that fit better. A finished run's detections do not tell these apart, since
NMS keeps the box with the highest score.
"""

import copy
from collections import defaultdict
from collections.abc import Callable
from statistics import mean

import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox_overlaps
from scipy.stats import spearmanr
from torch import Tensor

from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.loss_dataset import build_dataloader, build_dataset
from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.rules import PredictedRoIs
from mmdet_ohem.runs.checkpoints import load_weights
from mmdet_ohem.runs.work_dir import WorkDir

_PREFIX = 'fit/'
# A correlation of two RoIs is 1 or -1.
_LEAST_ROIS = 3
# B / N of the paper.
_NUM_HARD = 64
# The IoU of AP70.
_TIGHT_IOU = 0.7


def box_fits(rois: PredictedRoIs) -> list[dict[str, float]]:
    """What becomes of the foreground RoIs of each object.

    RoIs that are an object's own box are left out: a test has none.

    Args:
        rois: Of one image.

    Returns:
        A part for each object with at least three foreground RoIs: their mean
        IoU with it ``before`` and ``after`` regression for its class, and
        ``rank``, Spearman's correlation between the score of its class and
        the IoU after, which is left out where all scores, or all IoUs, are
        alike.
    """
    is_proposal = _is_fg_proposal(rois)
    before = bbox_overlaps(rois.boxes, rois.gt_boxes, is_aligned=True)
    after = bbox_overlaps(rois.refined_boxes, rois.gt_boxes, is_aligned=True)
    found = []
    for gt_ind in rois.gt_inds[is_proposal].unique():
        inds = (is_proposal & (rois.gt_inds == gt_ind)).nonzero()[:, 0]
        if len(inds) < _LEAST_ROIS:
            continue
        scores = rois.scores[inds, rois.labels[inds]]
        fit = dict(
            before=float(before[inds].mean()), after=float(after[inds].mean())
        )
        if len(scores.unique()) > 1 and len(after[inds].unique()) > 1:
            fit['rank'] = float(spearmanr(scores, after[inds]).statistic)
        found.append(fit)
    return found


def tight_shares(rois: PredictedRoIs) -> dict[str, list[float]]:
    """How much of the foreground is tight, and of what OHEM takes of it.

    Tight is an IoU of at least .7 with the object. RoIs that are an object's
    own box compete with the others, but are not counted.

    Args:
        rois: Of one image.

    Returns:
        1 for each tight RoI and 0 for each loose one: of all foreground as
        ``tight``, of that among the 64 RoIs that OHEM takes as
        ``hard_tight``.
    """
    is_hard = torch.zeros(len(rois), dtype=torch.bool)
    is_hard[select_hard_examples(rois.losses.total, rois.boxes, _NUM_HARD)] = (
        True
    )
    is_proposal = _is_fg_proposal(rois)
    is_tight = (
        bbox_overlaps(rois.boxes, rois.gt_boxes, is_aligned=True) >= _TIGHT_IOU
    )
    return dict(
        tight=is_tight[is_proposal].float().tolist(),
        hard_tight=is_tight[is_proposal & is_hard].float().tolist(),
    )


def _is_fg_proposal(rois: PredictedRoIs) -> Tensor:
    """Foreground that is no object's own box, shape (R,), bool."""
    return rois.is_fg & (rois.boxes != rois.gt_boxes).any(1)


def fit_metrics(
    run: WorkDir, on_image: Callable[[int, int], None] = lambda *_: None
) -> dict[str, float]:
    """Means of :func:`box_fits` and :func:`tight_shares` over a run's test.

    Args:
        run: A finished one, whose data are in place.
        on_image: Called with the images done and to do.

    Returns:
        ``fit/before``, ``fit/after`` and ``fit/rank`` over the objects;
        ``fit/tight`` and ``fit/hard_tight`` over the RoIs. What nothing is
        known of is left out, and so are objects that the test ignores.

    Raises:
        FileNotFoundError: It has no checkpoint.
        ValueError: Its data or its checkpoint do not fit its config.
    """
    checkpoint = run.select_checkpoints()[-1]
    enter_scope(run.config)
    dataset = build_dataset(run.config, 'test')
    predict = AllRoILoss(MODELS.build(copy.deepcopy(run.config.model)))
    load_weights(predict.detector, checkpoint)
    values = defaultdict(list)
    for done, batch in enumerate(build_dataloader(dataset, 0), start=1):
        rois = predict.predicted(batch)
        for fit in box_fits(rois):
            for name, value in fit.items():
                values[name].append(value)
        for name, shares in tight_shares(rois).items():
            values[name] += shares
        on_image(done, len(dataset))
    return {_PREFIX + name: mean(x) for name, x in values.items() if x}
