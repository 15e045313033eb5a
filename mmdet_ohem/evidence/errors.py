"""False positives of a finished run, from the detections that it kept."""

from pathlib import Path

import torch
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope

from mmdet_ohem.evaluation.decoys import read_decoys
from mmdet_ohem.evaluation.false_positives import (
    Detected,
    count_false_positives,
)
from mmdet_ohem.host.pipelines import reduced_to_images
from mmdet_ohem.runs.work_dir import WorkDir

#: Shares of the objects that have to be found.
RECALLS = (0.4, 0.6)


def error_metrics(run: WorkDir) -> dict[str, float]:
    """False positives for each image of the test, at equal recall.

    Args:
        run: With its detections; the data set of its test must be in place.

    Returns:
        ``false_positives/<kind>@<recall in percent>``: their number for each
        image, of decoys where the data have any, added up over the classes
        that reach the recall, and
        ``false_positives/classes@<recall>``, how many these are. Nothing
        where the run has kept no detections.

    Raises:
        ValueError: An image of the detections is not in the data set.
        OSError: The data set cannot be read.
    """
    if not run.has_detections:
        return {}
    images, num_classes = _images(run)
    found = {}
    for recall in RECALLS:
        counts = count_false_positives(images, num_classes, recall)
        reached = [x for x in counts if x is not None]
        name = f'@{round(100 * recall)}'
        found[f'false_positives/classes{name}'] = float(len(reached))
        for kind in reached[0] if reached else ():
            total = sum(x[kind] for x in reached)
            found[f'false_positives/{kind}{name}'] = total / len(images)
    return found


def _images(run: WorkDir) -> tuple[list[Detected], int]:
    """Detections with the objects of their images, and number of classes."""
    config = run.config
    init_default_scope(config.get('default_scope', 'mmdet'))
    dataset = DATASETS.build(
        reduced_to_images(config.test_dataloader.dataset, [])
    )
    dataset.full_init()
    infos = {
        info['img_path']: info
        for info in map(dataset.get_data_info, range(len(dataset)))
    }
    images = []
    for kept in run.read_detections():
        if kept['img_path'] not in infos:
            raise ValueError(
                f'{run.folder} has detections of {kept["img_path"]}, which '
                'is not in the data set of its test. Remedy: put the data '
                'back as they were, or test again'
            )
        images.append(
            _detected(kept['pred_instances'], infos[kept['img_path']])
        )
    return images, len(dataset.metainfo['classes'])


def _detected(found: dict, info: dict) -> Detected:
    objects = info['instances']
    # A data set of COCO's format has no file for each image.
    xml_path = info.get('xml_path')
    return Detected(
        torch.as_tensor(found['bboxes']).float(),
        torch.as_tensor(found['scores']).float(),
        torch.as_tensor(found['labels']).long(),
        torch.tensor([x['bbox'] for x in objects]).float().reshape(-1, 4),
        torch.tensor([x['bbox_label'] for x in objects], dtype=torch.long),
        torch.tensor(
            [bool(x['ignore_flag']) for x in objects], dtype=torch.bool
        ),
        read_decoys(Path(xml_path)) if xml_path else None,
    )
