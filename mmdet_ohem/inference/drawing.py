"""Detections drawn into a picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer

from mmdet_ohem.host.files import replacing
from mmdet_ohem.plain_text import without_math


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

    Raises:
        OSError: The picture cannot be written; the error names it.
        ValueError: OpenCV writes no pictures of this kind.
    """
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(
        dataset_meta,
        classes=tuple(map(without_math, dataset_meta['classes'])),
    )
    visualizer.add_datasample(
        path.stem,
        np.ascontiguousarray(pixels[..., ::-1]),  # mmdet draws on RGB
        sample.cpu(),
        draw_gt=False,
        pred_score_thr=score_thr,
    )
    data = _encode(visualizer.get_image()[..., ::-1], path)
    # OpenCV itself does not say when it cannot write.
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _encode(pixels: np.ndarray, path: Path) -> bytes:
    """The picture as a file of the kind that the path says."""
    try:
        good, data = cv2.imencode(path.suffix, pixels)
    except cv2.error:
        good = False
    if not good:
        raise ValueError(
            f'{path}: OpenCV writes no pictures of the kind {path.suffix!r}. '
            'Remedy: give the image as .jpg or .png'
        )
    return data.tobytes()


def picture_names(images: Sequence[Any]) -> list[str]:
    """A name for the picture of each image, none of them twice.

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


def refuse_to_replace(
    images: Sequence[Any], out_dir: str | os.PathLike[str]
) -> None:
    """Refuse a folder where a picture would replace an image it is drawn of.

    Args:
        images: Paths, or images that have no name.
        out_dir: Where the pictures go, by :func:`picture_names`.

    Raises:
        ValueError: A picture would have the path of one of the images.
    """
    sources = {
        Path(image).resolve()
        for image in images
        if isinstance(image, str | os.PathLike)
    }
    for name in picture_names(images):
        path = Path(out_dir) / name
        if path.resolve() in sources:
            raise ValueError(
                f'the picture {path} would replace the image itself. Remedy: '
                'give another folder for the pictures'
            )
