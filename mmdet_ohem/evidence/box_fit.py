"""How well boxes fit before any NMS, and whether their scores tell.

AP at a strict IoU asks for both: boxes that fit, and higher scores for those
that fit better. A finished run's detections do not tell these apart, since
NMS keeps the box with the highest score.
"""

import copy
from collections.abc import Callable
from statistics import mean

from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox_overlaps
from scipy.stats import spearmanr

from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.loss_dataset import build_dataloader, build_dataset
from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.mining.rules import PredictedRoIs
from mmdet_ohem.runs.checkpoints import load_weights
from mmdet_ohem.runs.work_dir import WorkDir

_PREFIX = 'fit/'
# A correlation of two RoIs is 1 or -1.
_LEAST_ROIS = 3


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
    is_proposal = rois.is_fg & (rois.boxes != rois.gt_boxes).any(1)
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


def fit_metrics(
    run: WorkDir, on_image: Callable[[int, int], None] = lambda *_: None
) -> dict[str, float]:
    """The means of :func:`box_fits` over the objects of a run's test.

    Args:
        run: A finished one, whose data are in place.
        on_image: Called with the images done and to do.

    Returns:
        ``fit/before``, ``fit/after`` and ``fit/rank``; what no object has is
        left out. Objects that the test ignores are left out.

    Raises:
        FileNotFoundError: It has no checkpoint.
        ValueError: Its data or its checkpoint do not fit its config.
    """
    checkpoint = run.last_checkpoint()
    if checkpoint is None:
        raise FileNotFoundError(
            f'{run.folder} has no checkpoint. Remedy: mmdet-ohem table '
            'finishes it'
        )
    enter_scope(run.config)
    dataset = build_dataset(run.config, 'test')
    predict = AllRoILoss(MODELS.build(copy.deepcopy(run.config.model)))
    load_weights(predict.detector, checkpoint)
    fits = []
    for done, batch in enumerate(build_dataloader(dataset, 0), start=1):
        fits += box_fits(predict.predicted(batch))
        on_image(done, len(dataset))
    values = {
        name: [x[name] for x in fits if name in x]
        for name in ('before', 'after', 'rank')
    }
    return {_PREFIX + name: mean(x) for name, x in values.items() if x}
