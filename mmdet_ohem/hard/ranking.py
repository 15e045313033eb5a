"""Rank the images and RoIs of a split by their loss."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from mmdet.structures.bbox import bbox_overlaps, get_box_tensor
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.hard.flags import FlagRules, find_flags
from mmdet_ohem.hard.records import FLAGS, Box, HardImage, HardRoI
from mmdet_ohem.mining.hard_examples import select_hard_examples
from mmdet_ohem.mining.rules import PredictedRoIs


@dataclass
class Ranking:
    """Images and RoIs, once ranked.

    Attributes:
        images: By descending mean loss of the RoIs that OHEM would take.
        rois: The hardest of each image, by descending loss.
        flagged: RoIs by flag, by descending score; a RoI on an object of
            another class by its classification loss.
    """

    images: list[HardImage] = field(default_factory=list)
    rois: list[HardRoI] = field(default_factory=list)
    flagged: dict[str, list[HardRoI]] = field(
        default_factory=lambda: {flag: [] for flag in FLAGS}
    )

    def sort(self) -> None:
        """Bring all lists into their order."""
        self.images.sort(key=lambda x: -x.hard_loss)
        self.rois.sort(key=lambda x: -x.loss)
        for rois in self.flagged.values():
            rois.sort(key=lambda x: (-x.score, -x.loss))


class HardRanking:
    """Score all RoIs of images, keep the hardest, flag the suspicious.

    Every RoI is scored as for Figure 3 (:class:`AllRoILoss`): evaluation
    mode, one scale, nothing sampled, of a cascade the last stage.

    Args:
        detector: A two-stage detector of mmdet with its weights.
        classes: Names of the classes.
        num: RoIs of an image that are kept: those that OHEM would take.
        rules: When a RoI is flagged.

    Raises:
        TypeError: It is another kind of detector.
        ValueError: ``num`` is below 1.
    """

    def __init__(
        self,
        detector: Any,
        classes: Sequence[str],
        num: int = 64,
        rules: FlagRules | None = None,
    ) -> None:
        if num < 1:
            raise ValueError(f'num must be at least 1 RoI, got {num}')
        self.score = AllRoILoss(detector)
        self.classes = list(classes)
        self.num = num
        self.rules = rules or FlagRules()

    def __call__(
        self,
        dataset: Any,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Ranking:
        """Rank the images of a dataset.

        Args:
            dataset: Gives ``inputs`` and ``data_samples``, with ground truth.
            on_progress: Called with the images done and to do.

        Returns:
            The ranking.
        """
        ranking = Ranking()
        for nth in range(len(dataset)):
            self.add(ranking, dataset[nth])
            if on_progress:
                on_progress(nth + 1, len(dataset))
        ranking.sort()
        return ranking

    def add(self, ranking: Ranking, data: Mapping[str, Any]) -> None:
        """Score an image, and put it into a ranking.

        Args:
            ranking: Gets the image, its hardest RoIs and the flagged ones.
            data: As the pipeline packs one image.
        """
        sample = data['data_samples']
        rois = self.score.predicted(pseudo_collate([data]))
        # Difficult objects and crowds are objects, too: nobody forgot them.
        truth = sample.get('ignored_instances', sample.gt_instances[:0])
        boxes = torch.cat(
            [
                get_box_tensor(x.bboxes).to(rois.boxes)
                for x in (sample.gt_instances, truth)
                if 'bboxes' in x
            ]
        )
        overlaps = _overlaps(rois.boxes, boxes)
        flags = find_flags(
            rois, overlaps, _overlaps(rois.refined_boxes, boxes), self.rules
        )
        scale = rois.boxes.new_tensor(sample.scale_factor).repeat(2)
        record = _Recorder(sample, rois, overlaps, scale, self.classes)
        hard = select_hard_examples(rois.losses.total, rois.boxes, self.num)
        flag_of = {
            int(i): flag for flag, inds in flags.items() for i in inds.tolist()
        }
        for i in hard.tolist():
            ranking.rois.append(record.roi(i, flag_of.get(i, '')))
        for i, flag in flag_of.items():
            ranking.flagged[flag].append(record.roi(i, flag))
        ranking.images.append(record.image(hard, flags))


def _overlaps(rois: Tensor, boxes: Tensor) -> Tensor:
    """Largest IoU of each with a box, shape (R,)."""
    if not len(boxes):
        return rois.new_zeros(len(rois))
    return bbox_overlaps(rois.float(), boxes.float()).max(1).values


class _Recorder:
    """Makes records of an image, in pixels of the original image."""

    def __init__(
        self,
        sample: Any,
        rois: PredictedRoIs,
        overlaps: Tensor,
        scale: Tensor,
        classes: Sequence[str],
    ) -> None:
        self.sample = sample
        self.rois = rois
        self.overlaps = overlaps
        self.scale = scale
        self.classes = classes
        self.height, self.width = sample.ori_shape[:2]

    def roi(self, i: int, flag: str) -> HardRoI:
        """The record of a RoI."""
        rois = self.rois
        score, predicted = rois.scores[i].max(0)
        if flag:
            # Of a flagged one, the object that it is taken for.
            score, predicted = rois.scores[i, :-1].max(0)
        label = int(rois.labels[i])
        return HardRoI(
            image=str(self.sample.img_path),
            box=self._box(rois.boxes[i]),
            refined=self._box(rois.refined_boxes[i]),
            label=self.classes[label] if label >= 0 else None,
            predicted=self._name(int(predicted)),
            score=float(score),
            cls_loss=float(rois.losses.cls[i]),
            loc_loss=float(rois.losses.loc[i]),
            iou=float(self.overlaps[i]),
            flag=flag,
        )

    def image(self, hard: Tensor, flags: Mapping[str, Tensor]) -> HardImage:
        """The record of the image."""
        losses = self.rois.losses.total
        finite = losses[losses.isfinite()]
        gt = self.sample.gt_instances
        boxes = get_box_tensor(gt.bboxes).to(self.scale)
        return HardImage(
            image=str(self.sample.img_path),
            width=self.width,
            height=self.height,
            num_rois=len(self.rois),
            num_objects=len(gt),
            mean_loss=float(finite.mean()) if len(finite) else 0.0,
            hard_loss=float(losses[hard].mean()) if len(hard) else 0.0,
            flags={flag: len(inds) for flag, inds in flags.items()},
            objects=tuple(
                (self._box(box), self.classes[int(label)])
                for box, label in zip(boxes, gt.labels, strict=True)
            ),
        )

    def _name(self, label: int) -> str | None:
        known = label < len(self.classes)
        return self.classes[label] if known else None

    def _box(self, box: Tensor) -> Box:
        x1, y1, x2, y2 = (box / self.scale).tolist()
        return (
            min(max(x1, 0), self.width),
            min(max(y1, 0), self.height),
            min(max(x2, 0), self.width),
            min(max(y2, 0), self.height),
        )
