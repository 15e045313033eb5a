"""Detections drawn into a picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer


def draw_detections(
    pixels: np.ndarray,
    sample: DetDataSample,
    dataset_meta: dict[str, Any],
    path: Path,
    score_thr: float,
) -> None:
    """Write a picture of an image with its detections.

    Args:
        pixels: (H, W, 3) uint8, BGR.
        sample: With ``pred_instances``.
        dataset_meta: ``classes`` and, if any, ``palette``.
        path: The picture; one that is there is replaced.
        score_thr: Detections with a greater score are drawn.
    """
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dataset_meta
    visualizer.add_datasample(
        path.stem,
        np.ascontiguousarray(pixels[..., ::-1]),  # mmdet draws on RGB
        sample.cpu(),
        draw_gt=False,
        pred_score_thr=score_thr,
        out_file=str(path),
    )


def picture_names(images: Sequence[Any]) -> list[str]:
    """Give the picture of each image a name of its own.

    Args:
        images: Paths, or images that have no name.

    Returns:
        ``street.jpg`` for ``a/street.jpg``, ``street_1.jpg`` for a later
        ``b/street.jpg``, and ``image.jpg`` for one without a name.
    """
    names: list[str] = []
    for image in images:
        named = isinstance(image, str | os.PathLike)
        source = Path(image if named else 'image.jpg')
        name, count = source.name, 0
        while name in names:
            count += 1
            name = f'{source.stem}_{count}{source.suffix}'
        names.append(name)
    return names
