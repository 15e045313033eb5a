"""AP at a stricter IoU than a run's test, from the detections it kept."""

from copy import deepcopy
from typing import Any

from mmdet_ohem.evaluation import DevkitVOCMetric
from mmdet_ohem.evaluation.false_positives import Detected
from mmdet_ohem.evidence.detections import detected_images
from mmdet_ohem.registry import METRICS
from mmdet_ohem.runs.work_dir import WorkDir

_IOU_THR = 0.7
_PREFIX = DevkitVOCMetric.default_prefix
#: Of the mean over the classes.
STRICT_AP = f'{_PREFIX}/AP70'


def strict_ap(run: WorkDir) -> dict[str, float]:
    """AP at IoU .7, by the metric of the run's test.

    Args:
        run: With its detections; the data set of its test must be in place.

    Returns:
        ``pascal_voc/AP70``, and that of each class, in [0, 1]. Nothing where
        the test has another metric, or the run has kept no detections.

    Raises:
        ValueError: An image of the detections is not in the data set.
        OSError: The data set cannot be read.
    """
    if not run.has_detections:
        return {}
    evaluator = run.config.test_evaluator
    kind = evaluator['type'] if isinstance(evaluator, dict) else None
    if kind is None or METRICS.get(kind) is not DevkitVOCMetric:
        return {}
    images, metainfo = detected_images(run)
    metric = METRICS.build(dict(deepcopy(evaluator), iou_thrs=[_IOU_THR]))
    metric.dataset_meta = metainfo
    metric.process({}, [_sample(x) for x in images])
    found = metric.compute_metrics(metric.results)
    del found['mAP']  # of all thresholds: the run has its own
    return {f'{_PREFIX}/{name}': float(x) for name, x in found.items()}


def _sample(image: Detected) -> dict[str, dict[str, Any]]:
    """What a metric of mmdet reads of an image."""
    instances = {
        name: dict(bboxes=image.gt_bboxes[mask], labels=image.gt_labels[mask])
        for name, mask in (
            ('gt_instances', ~image.gt_ignored),
            ('ignored_instances', image.gt_ignored),
        )
    }
    found = dict(bboxes=image.bboxes, scores=image.scores, labels=image.labels)
    return instances | dict(pred_instances=found)
