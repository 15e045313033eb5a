"""How well the proposals of images cover their objects.

An object is covered at an IoU when some proposal of its image overlaps it at
least that much. Objects that are difficult or crowded do not count, as in
evaluation.

Shapes: ``G`` objects of an image, ``R`` proposals, ``N`` objects of all
images. Boxes are xyxy edges in pixels of the original image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmdet.structures.bbox import bbox_overlaps

#: Where recall is told.
THRESHOLDS = (0.5, 0.7)


@dataclass(frozen=True)
class ImageCoverage:
    """How the objects of one image are covered.

    Attributes:
        name: Of the image.
        labels: (G,) int64.
        best_ious: Of each object with the proposal that overlaps it most,
            (G,); 0 without proposals.
        best_rows: Which proposal that is, (G,); -1 without proposals.
        ranks: How many of the first proposals it takes until an object is
            covered, at each of ``THRESHOLDS``, (G, 2); infinite where it
            never is.
        num_proposals: R.
    """

    name: str
    labels: np.ndarray
    best_ious: np.ndarray
    best_rows: np.ndarray
    ranks: np.ndarray
    num_proposals: int


def cover_image(
    name: str, objects: np.ndarray, labels: np.ndarray, boxes: np.ndarray
) -> ImageCoverage:
    """Compare the objects of an image with its proposals.

    Args:
        name: Of the image.
        objects: (G, 4).
        labels: (G,).
        boxes: Proposals in their order, (R, 4).

    Returns:
        How the objects are covered.
    """
    num_objects = len(objects)
    ranks = np.full((num_objects, len(THRESHOLDS)), np.inf)
    if not num_objects or not len(boxes):
        none = np.zeros(num_objects), np.full(num_objects, -1)
        return ImageCoverage(name, labels, *none, ranks, len(boxes))
    ious = bbox_overlaps(
        torch.as_tensor(objects, dtype=torch.float32),
        torch.as_tensor(boxes, dtype=torch.float32),
    ).numpy()
    for column, threshold in enumerate(THRESHOLDS):
        covers = ious >= threshold
        covered = covers.any(1)
        ranks[covered, column] = covers[covered].argmax(1) + 1
    return ImageCoverage(
        name, labels, ious.max(1), ious.argmax(1), ranks, len(boxes)
    )


class Coverage:
    """How the objects of all images are covered.

    Args:
        images: Of each image.
        classes: Names, by label.
    """

    def __init__(
        self, images: Sequence[ImageCoverage], classes: Sequence[str]
    ) -> None:
        self.images = images
        self.classes = classes
        empty = np.zeros((0, len(THRESHOLDS)))
        self._ranks = np.concatenate([empty, *(x.ranks for x in images)])
        labels = [np.zeros(0, np.int64), *(x.labels for x in images)]
        self._labels = np.concatenate(labels)
        self.counts = np.array([x.num_proposals for x in images], np.int64)

    def recall(
        self,
        threshold: float,
        label: int | None = None,
        at_most: float = np.inf,
    ) -> float:
        """Share of objects that are covered.

        Args:
            threshold: One of ``THRESHOLDS``.
            label: Of a class; None: of all objects.
            at_most: How many proposals of an image count, the first ones.

        Returns:
            From 0 to 1; NaN without objects.
        """
        ranks = self._ranks[:, THRESHOLDS.index(threshold)]
        if label is not None:
            ranks = ranks[self._labels == label]
        if not len(ranks):
            return float('nan')
        # An object that is never covered has an infinite rank.
        return float(((ranks <= at_most) & np.isfinite(ranks)).mean())

    def num_objects(self, label: int | None = None) -> int:
        """How many objects there are.

        Args:
            label: Of a class; None: in all.
        """
        if label is None:
            return len(self._labels)
        return int((self._labels == label).sum())

    def worst_and_best(
        self, num: int
    ) -> tuple[list[ImageCoverage], list[ImageCoverage]]:
        """Images by the mean IoU of their objects with the best proposals.

        Args:
            num: How many of each kind; fewer where there are fewer images.

        Returns:
            The worst and the best, from the outside in; no image twice, and
            none without objects.
        """
        ranked = sorted(
            (x for x in self.images if len(x.labels)),
            key=lambda x: (float(x.best_ious.mean()), x.name),
        )
        num_worst = min(num, (len(ranked) + 1) // 2)
        num_best = min(num, len(ranked) - num_worst)
        return ranked[:num_worst], ranked[::-1][:num_best]
