"""What false positives are of, at the same recall (Hoiem et al., ECCV 2012).

Shapes: ``D`` detections and ``G`` objects of one image.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

#: Duplicate: of an object that a detection of higher score has found already.
#: Localisation: overlaps an object of its class, but not enough. Confusion:
#: overlaps one of another class. Background: none of these.
KINDS = ('background', 'confusion', 'localisation', 'duplicate')
#: Background that was made to be taken for an object; counted apart where the
#: data say what it is.
DECOY = 'decoy'
# An overlap that counts at all, as in Hoiem's analysis.
_TOUCHES = 0.1


@dataclass(frozen=True)
class Detected:
    """Detections and objects of one image.

    Boxes are xyxy edges in pixels, in one size of the image.

    Attributes:
        bboxes: Detected, shape (D, 4).
        scores: Shape (D,).
        labels: Shape (D,), int64.
        gt_bboxes: Of objects, shape (G, 4).
        gt_labels: Shape (G,), int64.
        gt_ignored: Whether an object is difficult, which makes a detection
            of it neither right nor wrong, shape (G,), bool.
        decoys: Of background that looks like an object, shape (K, 4); None
            where the data do not say.
    """

    bboxes: Tensor
    scores: Tensor
    labels: Tensor
    gt_bboxes: Tensor
    gt_labels: Tensor
    gt_ignored: Tensor
    decoys: Tensor | None = None


@dataclass(frozen=True)
class _Ranked:
    """One detection of a class, with what it overlaps.

    Attributes:
        score: Of the detection.
        best: Image and index of the object of its class that it overlaps
            most; None where there is none.
        iou: With that object.
        other_iou: Greatest one with an object of another class.
        is_ignored: Whether ``best`` is difficult.
        is_decoy: Whether it overlaps a decoy.
    """

    score: float
    best: tuple[int, int] | None
    iou: float
    other_iou: float
    is_ignored: bool
    is_decoy: bool


def count_false_positives(
    images: Sequence[Detected],
    num_classes: int,
    recall: float,
    iou_thr: float = 0.5,
) -> list[dict[str, int] | None]:
    """Count false positives until a share of the objects is found.

    Detections of a class are taken from the highest score on, as for its AP,
    until the recall is reached. Two detectors are then compared at equal
    recall, whatever their scores mean.

    Args:
        images: All images of a test.
        num_classes: Of the dataset.
        recall: Share of the objects of each class that have to be found, in
            (0, 1].
        iou_thr: A detection finds an object with at least this IoU.

    Returns:
        For each class the number of false positives of each of ``KINDS``,
        and of ``DECOY`` where an image says what is one; None where the class
        has no object, or never reaches the recall.

    Raises:
        ValueError: ``recall`` is out of range.
    """
    if not 0 < recall <= 1:
        raise ValueError(f'recall is {recall}, expected more than 0, up to 1')
    return [
        _count(images, label, recall, iou_thr) for label in range(num_classes)
    ]


def _count(
    images: Sequence[Detected], label: int, recall: float, iou_thr: float
) -> dict[str, int] | None:
    """Counts of one class."""
    num_objects = sum(
        int(((x.gt_labels == label) & ~x.gt_ignored).sum()) for x in images
    )
    wanted = math.ceil(recall * num_objects - 1e-9)
    ranked = [
        x for i, image in enumerate(images) for x in _rank(i, image, label)
    ]
    # Stable: of equal scores the first, as in the devkit.
    ranked.sort(key=lambda x: -x.score)
    counts = dict.fromkeys(KINDS, 0)
    if any(x.decoys is not None for x in images):
        counts[DECOY] = 0
    found: set[tuple[int, int] | None] = set()
    for x in ranked:
        if num_objects and len(found) == wanted:
            return counts
        if x.iou >= iou_thr:
            if x.is_ignored:
                continue
            if x.best in found:
                counts['duplicate'] += 1
            found.add(x.best)
        elif x.iou >= _TOUCHES:
            counts['localisation'] += 1
        elif x.other_iou >= _TOUCHES:
            counts['confusion'] += 1
        elif x.is_decoy:
            counts[DECOY] += 1
        else:
            counts['background'] += 1
    return counts if num_objects and len(found) == wanted else None


def _rank(index: int, image: Detected, label: int) -> Iterator[_Ranked]:
    """Detections of a class in one image."""
    of_class = image.labels == label
    bboxes = image.bboxes[of_class]
    ious = bbox_overlaps(bboxes, image.gt_bboxes)
    own = ious.clone()
    own[:, image.gt_labels != label] = -1
    other = ious.clone()
    other[:, image.gt_labels == label] = 0
    no_object = not len(image.gt_bboxes)
    for score, row, others, is_decoy in zip(
        image.scores[of_class].tolist(),
        own,
        other,
        _touch_decoys(bboxes, image.decoys),
        strict=True,
    ):
        if no_object:
            yield _Ranked(score, None, 0, 0, False, is_decoy)
            continue
        best = int(row.argmax())
        iou = float(row[best])
        is_own = iou >= 0
        yield _Ranked(
            score,
            (index, best) if is_own else None,
            max(iou, 0.0),
            float(others.max()),
            is_own and bool(image.gt_ignored[best]),
            is_decoy,
        )


def _touch_decoys(bboxes: Tensor, decoys: Tensor | None) -> list[bool]:
    """Whether each of (D, 4) boxes overlaps a decoy."""
    if decoys is None or not len(decoys):
        return [False] * len(bboxes)
    overlap = bbox_overlaps(bboxes, decoys) >= _TOUCHES
    return overlap.any(1).tolist()
