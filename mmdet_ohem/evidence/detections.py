"""Detections that a finished run kept, beside the objects of its data."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from torch import Tensor

from mmdet_ohem.evaluation.decoys import read_decoys
from mmdet_ohem.evaluation.false_positives import Detected
from mmdet_ohem.host.configs import enter_scope
from mmdet_ohem.host.pipelines import reduced_to_images
from mmdet_ohem.runs.work_dir import WorkDir


def detected_images(run: WorkDir) -> tuple[list[Detected], dict[str, Any]]:
    """Detections with the objects of their images.

    Args:
        run: With its detections.

    Returns:
        A part for each image of the test, and the meta information of its
        data set.

    Raises:
        ValueError: An image of the detections is not in the data set.
        OSError: The data set cannot be read.
    """
    enter_scope(run.config)
    dataset = reduced_to_images(run.config.test_dataloader.dataset, [])
    objects, metainfo = _objects(Config(dict(dataset=dataset)).dump())
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
    return images, metainfo


# Runs that are compared have one data set, as a rule.
@lru_cache(maxsize=2)
def _objects(config: str) -> tuple[dict[str, tuple], dict[str, Any]]:
    """Objects and decoys by image, and meta information.

    Args:
        config: With the ``dataset``, as text.
    """
    dataset = DATASETS.build(Config.fromstring(config, '.py').dataset)
    dataset.full_init()
    infos = map(dataset.get_data_info, range(len(dataset)))
    found = {info['img_path']: _of_image(info) for info in infos}
    return found, dataset.metainfo


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
