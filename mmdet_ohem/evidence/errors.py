"""False positives of a finished run, from the detections that it kept."""

from functools import lru_cache
from pathlib import Path

import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from mmdet_ohem.evaluation.decoys import read_decoys
from mmdet_ohem.evaluation.false_positives import (
    Detected,
    count_false_positives,
)
from mmdet_ohem.host.pipelines import reduced_to_images
from mmdet_ohem.runs.work_dir import WorkDir

#: Shares of the objects that have to be found, in percent.
RECALLS = (40, 60)
#: What the names of these metrics begin with.
PREFIX = 'false_positives/'


def error_key(kind: str, recall: int) -> str:
    """Name of a number of false positives.

    Args:
        kind: Of which, or ``'classes'``: how many reach the recall.
        recall: Percent of the objects.
    """
    return f'{PREFIX}{kind}@{recall}'


def error_metrics(run: WorkDir) -> dict[str, float]:
    """False positives for each image of the test, at equal recall.

    Args:
        run: With its detections; the data set of its test must be in place.

    Returns:
        By :func:`error_key` their number for each image, of decoys where the
        data have any, added up over the classes that reach the recall, and
        how many classes these are. Nothing where the run has kept no
        detections.

    Raises:
        ValueError: An image of the detections is not in the data set.
        OSError: The data set cannot be read.
    """
    if not run.has_detections:
        return {}
    images, num_classes = _images(run)
    found = {}
    for recall in RECALLS:
        counts = count_false_positives(images, num_classes, recall / 100)
        reached = [x for x in counts if x is not None]
        found[error_key('classes', recall)] = float(len(reached))
        for kind in reached[0] if reached else ():
            total = sum(x[kind] for x in reached)
            found[error_key(kind, recall)] = total / len(images)
    return found


def _images(run: WorkDir) -> tuple[list[Detected], int]:
    """Detections with the objects of their images, and number of classes."""
    init_default_scope(run.config.get('default_scope', 'mmdet'))
    dataset = reduced_to_images(run.config.test_dataloader.dataset, [])
    objects, num_classes = _objects(Config(dict(dataset=dataset)).dump())
    images = []
    for kept in run.read_detections():
        if kept['img_path'] not in objects:
            raise ValueError(
                f'{run.folder} has detections of {kept["img_path"]}, which '
                'is not in the data set of its test. Remedy: put the data '
                'back as they were, or test again'
            )
        found = kept['pred_instances']
        images.append(
            Detected(
                torch.as_tensor(found['bboxes']).float(),
                torch.as_tensor(found['scores']).float(),
                torch.as_tensor(found['labels']).long(),
                *objects[kept['img_path']],
            )
        )
    return images, num_classes


# Runs that are compared have one data set, as a rule.
@lru_cache(maxsize=2)
def _objects(config: str) -> tuple[dict[str, tuple], int]:
    """Objects and decoys by image, and number of classes.

    Args:
        config: With the ``dataset``, as text.
    """
    dataset = DATASETS.build(Config.fromstring(config, '.py').dataset)
    dataset.full_init()
    infos = map(dataset.get_data_info, range(len(dataset)))
    found = {info['img_path']: _of_image(info) for info in infos}
    return found, len(dataset.metainfo['classes'])


def _of_image(info: dict) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Boxes, labels, whether they are ignored; boxes of decoys."""
    objects = info['instances']
    # A data set of COCO's format has no file for each image.
    xml_path = info.get('xml_path')
    return (
        torch.tensor([x['bbox'] for x in objects]).float().reshape(-1, 4),
        torch.tensor([x['bbox_label'] for x in objects], dtype=torch.long),
        torch.tensor(
            [bool(x['ignore_flag']) for x in objects], dtype=torch.bool
        ),
        read_decoys(Path(xml_path)) if xml_path else None,
    )
