"""The rules of VOC's devkit once more, by loops; an oracle for tests.

Written from the rules alone: detections of a class are taken by descending
score over all images; each looks at the object of its class and image that it
overlaps most, difficult or not, widths counted in pixels (x2 - x1 + 1). IoU
below 0.5: wrong. Else, if the object is difficult: not counted; if an earlier
detection has it: wrong; else right.
"""

from dataclasses import dataclass, field

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

Box = tuple[float, float, float, float]


@dataclass
class Scene:
    """An image: objects (label, box, difficult), findings (label, box, p)."""

    objects: list[tuple[int, Box, bool]] = field(default_factory=list)
    found: list[tuple[int, Box, float]] = field(default_factory=list)

    def sample(self) -> dict:
        """As the test loop hands it to a metric."""

        def truth(difficult: bool) -> InstanceData:
            objects = [x for x in self.objects if x[2] == difficult]
            return InstanceData(
                labels=torch.tensor([x[0] for x in objects]).long(),
                bboxes=torch.tensor([x[1] for x in objects]).view(-1, 4),
            )

        sample = DetDataSample(
            gt_instances=truth(False),
            ignored_instances=truth(True),
            pred_instances=InstanceData(
                labels=torch.tensor([x[0] for x in self.found]).long(),
                bboxes=torch.tensor([x[1] for x in self.found]).view(-1, 4),
                scores=torch.tensor([x[2] for x in self.found]).view(-1),
            ),
        )
        return sample.to_dict()


def overlap(a: Box, b: Box) -> float:
    """IoU of boxes whose corners are pixels that belong to them."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + 1
    height = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    area_a = (a[2] - a[0] + 1) * (a[3] - a[1] + 1)
    area_b = (b[2] - b[0] + 1) * (b[3] - b[1] + 1)
    return width * height / (area_a + area_b - width * height)


def judge(
    scenes: list[Scene], label: int, strict: bool = False
) -> tuple[list[int], int]:
    """Verdicts (1 right, 0 wrong) by descending score; number of objects.

    ``strict`` wants IoU > 0.5 for a match. Findings that are not counted are
    left out.
    """
    findings = [
        (score, number, box)
        for number, scene in enumerate(scenes)
        for of, box, score in scene.found
        if of == label
    ]
    taken = set()
    verdicts = []
    for _, number, box in sorted(findings, key=lambda x: -x[0]):
        best, best_iou = -1, 0.0
        for index, (of, gt, _) in enumerate(scenes[number].objects):
            if of == label and overlap(box, gt) > best_iou:
                best, best_iou = index, overlap(box, gt)
        if best_iou < 0.5 or (strict and best_iou == 0.5):
            verdicts.append(0)
        elif not scenes[number].objects[best][2]:
            verdicts.append(int((number, best) not in taken))
            taken.add((number, best))
    num_objects = sum(
        of == label and not difficult
        for scene in scenes
        for of, _, difficult in scene.objects
    )
    return verdicts, num_objects


def average_precision(
    verdicts: list[int], num_objects: int, eval_mode: str
) -> float:
    """11 points: mean over recall 0, .1, ... 1 of the best precision there.

    Area: below the precision-recall curve, made monotonous from the right.
    """
    curve = []
    right = 0
    for count, verdict in enumerate(verdicts, 1):
        right += verdict
        curve.append((right / num_objects, right / count))
    if eval_mode == '11points':
        return (
            sum(
                # The devkit counts 0:0.1:1 in floating point as well.
                max((p for r, p in curve if r >= 0.1 * step), default=0.0)
                for step in range(11)
            )
            / 11
        )
    area = last = 0.0
    for recall, _ in curve:
        area += (recall - last) * max(p for r, p in curve if r >= recall)
        last = recall
    return area


def evaluate(
    scenes: list[Scene],
    num_classes: int,
    eval_mode: str,
    strict: bool = False,
) -> dict[int, float]:
    """AP of the classes that have an object that is not difficult."""
    aps = {}
    for label in range(num_classes):
        verdicts, num_objects = judge(scenes, label, strict)
        if num_objects:
            aps[label] = average_precision(verdicts, num_objects, eval_mode)
    return aps
