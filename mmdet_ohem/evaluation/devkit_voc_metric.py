"""VOC's average precision, of each class as well."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmdet.evaluation import VOCMetric
from mmengine.logging import MMLogger, print_log

from mmdet_ohem.host.average_precision import eval_map
from mmdet_ohem.proposals.box_corners import holds_edges, to_inclusive
from mmdet_ohem.registry import METRICS

_EVAL_MODES = {'VOC2007': '11points', 'VOC2012': 'area'}


@METRICS.register_module()
class DevkitVOCMetric(VOCMetric):
    """``VOCMetric`` that returns the AP of each class, nothing rounded.

    mmdet's numbers are those of VOC's devkit: widths count pixels,
    x2 - x1 + 1; objects marked difficult are neither right nor wrong; of two
    detections of an object the lower-scored one is wrong. mmdet returns only
    the mean over the classes. This metric adds ``AP50/<class>`` for each class
    that has an object, as Tables 3 and 4 list them.

    ``eval_mode`` does not follow the data set: it is '11points' up to VOC09
    and 'area' from VOC10 on.

    Widths that count pixels are those of inclusive corners. Our data sets
    hold edges and say so in their meta information, ``corners='edges'``;
    ground truth and detections become inclusive corners here. Without this
    word, as from mmdet's ``VOCDataset``, boxes are taken as they are, as by
    mmdet's ``VOCMetric``. That one, given our data sets, finds everything one
    pixel wider than it is; use this metric.

    Args:
        strict_iou: A detection fits an object when their IoU is greater than
            ``iou_thrs``, as in the authors' Python code, instead of at least
            ``iou_thrs``, as in the devkit.
        **kwargs: As for mmdet's ``VOCMetric``.

    Raises:
        ValueError: ``metric`` is not 'mAP'; mmdet's recall is that of the
            first class alone.
    """

    def __init__(self, strict_iou: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.metric != 'mAP':
            raise ValueError(
                f'DevkitVOCMetric: metric is {self.metric!r}. Remedy: leave '
                "it at 'mAP'"
            )
        self.strict_iou = strict_iou

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Keep the boxes of some images, as inclusive corners.

        Args:
            data_batch: Not used.
            data_samples: As for mmdet's ``VOCMetric``: ``gt_instances``,
                ``ignored_instances`` and ``pred_instances``, boxes xyxy in
                pixels of the original image.
        """
        first = len(self.results)
        super().process(data_batch, data_samples)
        if not holds_edges(self.dataset_meta):
            return
        for i, (truth, found) in enumerate(self.results[first:], first):
            truth = {
                name: to_inclusive(values) if 'bboxes' in name else values
                for name, values in truth.items()
            }
            self.results[i] = (truth, [to_inclusive(x) for x in found])

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Evaluate all images.

        Args:
            results: As ``VOCMetric.process`` has stored them.

        Returns:
            ``mAP``, and for each threshold ``AP50`` (named by it, in
            percent) and ``AP50/<class>``, in [0, 1].
        """
        assert self.dataset_meta is not None
        self._check_eval_mode(self.dataset_meta.get('dataset_type'))
        classes = self.dataset_meta['classes']
        logger = MMLogger.get_current_instance()
        gts, preds = zip(*results, strict=True)
        metrics = {'mAP': 0.0}
        for iou_thr in self.iou_thrs:
            # IoUs are float32: the next one above the threshold makes
            # "at least" into "greater".
            at_least = np.nextafter(np.float32(iou_thr), np.float32(1))
            mean_ap, of_classes = eval_map(
                preds,
                gts,
                iou_thr=at_least if self.strict_iou else iou_thr,
                dataset=classes,
                logger=logger,
                eval_mode=self.eval_mode,
                use_legacy_coordinate=True,
            )
            name = f'AP{round(iou_thr * 100):02d}'
            metrics['mAP'] += mean_ap / len(self.iou_thrs)
            metrics[name] = mean_ap
            for class_name, of_class in zip(classes, of_classes, strict=True):
                if of_class['num_gts'] > 0:
                    metrics[f'{name}/{class_name}'] = float(of_class['ap'])
        return metrics

    def _check_eval_mode(self, dataset_type: str | None) -> None:
        """Warn of the AP of another year."""
        expected = _EVAL_MODES.get(str(dataset_type), self.eval_mode)
        if self.eval_mode != expected:
            print_log(
                f'{dataset_type} is evaluated with eval_mode='
                f'{self.eval_mode!r}, its papers with {expected!r}. Remedy: '
                f'set eval_mode={expected!r} in val_evaluator and '
                'test_evaluator',
                logger='current',
                level=logging.WARNING,
            )
