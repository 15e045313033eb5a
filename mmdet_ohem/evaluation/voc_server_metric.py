"""Write detections for PASCAL VOC's evaluation server."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmdet_ohem.evaluation.file_names import (
    check_class_names,
    check_image_name,
)
from mmdet_ohem.evaluation.voc_results import write_voc_archive
from mmdet_ohem.proposals.box_corners import holds_edges, to_edges
from mmdet_ohem.registry import METRICS


@METRICS.register_module()
class VOCServerMetric(BaseMetric):
    """The archive to send in, for a test set without annotations.

    Writes ``<outfile_prefix>/results/VOC2012/Main/comp4_det_test_<class>.txt``
    for every class and all of them in ``<outfile_prefix>.tar.gz``.

    The authors wrote scores with 3 decimals, so that what lies below 0.0005,
    most of the detections down to a score of 1e-5, was told apart no more.
    Here it is 6, and lines run from the highest score to the lowest, which
    keeps the ranks of equal scores too.

    Detections are edges where the data set says so in its meta information,
    as :class:`mmdet_ohem.ImageListDataset` does, else inclusive corners, as
    with mmdet's ``VOCDataset``. The server reads inclusive corners.

    Args:
        outfile_prefix: Where to write, as for mmdet's ``CocoMetric``.
        year: In the folder's name.
        competition: In the files' names.
        image_set: In the files' names.
        score_thr: Detections are left out when their score is not above it.
            0: all that the model returns. It bounds the size of the archive.
        score_decimals: Digits behind the point of a score; 3 as released.
        **kwargs: As for mmengine's ``BaseMetric``.

    Raises:
        ValueError: ``outfile_prefix`` is empty or ``score_decimals`` < 1.
    """

    default_prefix = 'voc_server'

    def __init__(
        self,
        outfile_prefix: str,
        year: int = 2012,
        competition: str = 'comp4',
        image_set: str = 'test',
        score_thr: float = 0.0,
        score_decimals: int = 6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not outfile_prefix:
            raise ValueError(
                'VOCServerMetric: outfile_prefix is empty. Remedy: give it a '
                "path to write to, such as 'work_dirs/voc12_test'"
            )
        if score_decimals < 1:
            raise ValueError(
                f'VOCServerMetric: score_decimals is {score_decimals}. '
                'Remedy: 1 or more; 3 as released by the authors'
            )
        self.outfile_prefix = outfile_prefix
        self.year = year
        self.competition = competition
        self.image_set = image_set
        self.score_thr = score_thr
        self.score_decimals = score_decimals

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the detections of some images.

        Args:
            data_batch: Not used.
            data_samples: ``img_id`` and ``pred_instances``: ``bboxes`` (n, 4)
                xyxy in pixels of the original image, ``scores`` (n,),
                ``labels`` (n,).

        Raises:
            ValueError: A class or an image has a name that cannot be in the
                files of the server.
        """
        assert self.dataset_meta is not None
        if not self.results:  # now, not after hours of testing
            check_class_names(list(self.dataset_meta['classes']))
        for data_sample in data_samples:
            found = data_sample['pred_instances']
            rows = np.column_stack(
                [
                    found['bboxes'].float().cpu().numpy(),
                    found['scores'].float().cpu().numpy(),
                ]
            )
            if not holds_edges(self.dataset_meta):
                rows = to_edges(rows)
            labels = found['labels'].cpu().numpy()
            keep = rows[:, 4] > self.score_thr
            name = str(data_sample['img_id'])
            check_image_name(name)
            self.results.append((name, rows[keep], labels[keep]))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the files.

        Args:
            results: Of all images: name, (n, 5) edges x1, y1, x2, y2, score,
                and labels (n,).

        Returns:
            ``num_images`` and ``num_detections``; what they are worth, the
            server says.
        """
        assert self.dataset_meta is not None
        detections = {
            class_name: {
                name: rows[labels == label] for name, rows, labels in results
            }
            for label, class_name in enumerate(self.dataset_meta['classes'])
        }
        archive = write_voc_archive(
            self.outfile_prefix,
            detections,
            self.year,
            self.competition,
            self.image_set,
            self.score_decimals,
        )
        print_log(f'Wrote {archive} for the VOC server', logger='current')
        return dict(
            num_images=len(results),
            num_detections=sum(len(rows) for _, rows, _ in results),
        )
