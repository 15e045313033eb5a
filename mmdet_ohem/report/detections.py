"""Detections of runs on the same images, for the report of runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv import imread, imrescale
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.config import Config
from mmengine.structures import InstanceData
from PIL import Image

from mmdet_ohem.plain_text import without_math
from mmdet_ohem.registry import DATASETS as OWN_DATASETS
from mmdet_ohem.report.sheets import Sheet, embed
from mmdet_ohem.runs.detections import DETECTIONS
from mmdet_ohem.runs.work_dir import WorkDir

#: Smaller images, in pixels of the longer side, are drawn twice as large.
_SMALL = 400

#: Detections of a test: path of the image -> ``pred_instances``.
_Found = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class DetectionRows:
    """What runs detect in the same images.

    Attributes:
        rows: Name of an image -> label of a run -> picture.
        left_out: Labels of the runs whose test kept no detections.
    """

    rows: Mapping[str, Mapping[str, Sheet]]
    left_out: list[str]


def draw_detections(
    runs: Mapping[str, WorkDir], num_images: int = 6, score_thr: float = 0.3
) -> DetectionRows:
    """Draw detections of the runs side by side, a row a test image.

    Args:
        runs: By label.
        num_images: How many images, evenly spaced among those that all of
            these runs were tested on.
        score_thr: Lower scores are not drawn.

    Returns:
        The pictures.

    Raises:
        FileNotFoundError: No test of these runs kept its detections, or an
            image is missing.
        ValueError: A file of detections is broken, or the runs were tested on
            different images.
    """
    found = {
        label: {x['img_path']: x['pred_instances'] for x in detections}
        for label, run in runs.items()
        if run.has_detections and (detections := run.read_detections())
    }
    left_out = [label for label in runs if label not in found]
    if not found:
        raise FileNotFoundError(
            f'{", ".join(str(run.folder) for run in runs.values())} holds no '
            f'detections ({DETECTIONS.as_posix()}). Remedy: '
            'mmdet-ohem test CONFIG --out '
            f'RUN_DIR/{DETECTIONS.as_posix()}'
        )
    paths = _spaced(_common_images(found), num_images)
    stems = [Path(path).stem for path in paths]
    classes = {label: class_names(runs[label].config) for label in found}
    rows = {
        stem if stems.count(stem) == 1 else path: {
            label: embed(
                _draw(path, of_run[path], classes[label], score_thr), label
            )
            for label, of_run in found.items()
        }
        for path, stem in zip(paths, stems, strict=True)
    }
    return DetectionRows(rows, left_out)


def class_names(config: Config) -> tuple[str, ...]:
    """Names of the classes that a run was tested on.

    Args:
        config: Of the run.

    Returns:
        Names by label; none where the config does not say.
    """
    known = {**DATASETS.module_dict, **OWN_DATASETS.module_dict}
    loader = config.get('test_dataloader') or {}
    for dataset in _nested(loader.get('dataset') or {}):
        given = (dataset.get('metainfo') or {}).get('classes')
        # Registry.get would import any module that a config names.
        kind = known.get(str(dataset.get('type')).rpartition('.')[2])
        if classes := given or getattr(kind, 'METAINFO', {}).get('classes'):
            return tuple(classes)
    return ()


def _nested(config: Any) -> Iterator[dict]:
    """A config and those within: a wrapper of datasets knows no classes."""
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from _nested(value)


def _common_images(found: Mapping[str, _Found]) -> list[str]:
    """Paths of the images that all runs were tested on."""
    first, *others = found.values()
    common = [path for path in first if all(path in x for x in others)]
    if not common:
        raise ValueError(
            f'{", ".join(found)}: no image was tested in all of these runs. '
            'Remedy: give runs that were tested on the same images, or leave '
            'out --detections'
        )
    return common


def _spaced(paths: list[str], num: int) -> list[str]:
    indices = np.linspace(0, len(paths) - 1, min(num, len(paths)))
    return [paths[index] for index in indices.astype(int)]


def _draw(
    path: str,
    instances: dict[str, Any],
    classes: tuple[str, ...],
    score_thr: float,
) -> Image.Image:
    image = imread(path, channel_order='rgb')
    scale = 2 if max(image.shape) < _SMALL else 1
    sample = _as_sample(instances, scale)
    # The visualizer needs a name for each label.
    labels = sample.pred_instances.labels.tolist()
    unnamed = range(len(classes), max(labels, default=-1) + 1)
    classes = tuple(map(without_math, classes))
    names = (*classes, *(f'class {label}' for label in unnamed))
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(classes=names, palette='random')
    visualizer.add_datasample(
        'detections',
        imrescale(image, scale),
        sample,
        draw_gt=False,
        pred_score_thr=score_thr,
    )
    return Image.fromarray(visualizer.get_image())


def _as_sample(instances: dict[str, Any], scale: float) -> DetDataSample:
    """Detections of one image, enlarged, as the visualizer takes them."""
    sample = DetDataSample()
    sample.pred_instances = InstanceData(
        bboxes=torch.as_tensor(instances['bboxes']) * scale,
        scores=torch.as_tensor(instances['scores']),
        labels=torch.as_tensor(instances['labels']),
    )
    return sample
