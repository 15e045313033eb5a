"""What a user hands over: images and boxes, checked."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.box_layout import guess_layout
from mmdet_ohem.proposals.image_headers import check_image
from mmdet_ohem.proposals.image_headers import read_image as read_image_file
from mmdet_ohem.proposals.proposal_file import (
    proposal_key,
    read_proposal_file,
)

__all__ = [
    'Boxes',
    'Image',
    'boxes_of_file',
    'boxes_per_image',
    'check_image',
    'checked_boxes',
    'read_image',
]

Image = str | os.PathLike[str] | np.ndarray
Boxes = np.ndarray | Tensor | Sequence[Sequence[float]]


def read_image(image: Image) -> np.ndarray:
    """Read an image, or check one that is read already.

    Args:
        image: A path, or (H, W, 3) uint8, BGR, as ``mmcv.imread`` gives.

    Returns:
        (H, W, 3) uint8, BGR.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no image, or a damaged one.
    """
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f'an image has shape {image.shape} and type {image.dtype}, '
                'expected (H, W, 3) uint8, BGR. Remedy: read it by '
                'mmcv.imread, or give several images as a list'
            )
        return image
    if not isinstance(image, str | os.PathLike):
        raise ValueError(
            f'an image is a {type(image).__name__}, expected a path or an '
            'array (H, W, 3), BGR'
        )
    return read_image_file(image)


def checked_boxes(boxes: Boxes, width: int, height: int) -> np.ndarray:
    """Check the boxes that are given for an image.

    Args:
        boxes: (n, 4) xyxy edges in pixels of the image: the whole image is
            (0, 0, width, height).
        width: Of the image, pixels.
        height: Of the image, pixels.

    Returns:
        (n, 4) float32 edges, clipped to the image; how many were is a
        warning.

    Raises:
        ValueError: They have another shape, are not finite, have no area
            inside the image, or look like another layout.
    """
    array = _as_array(boxes)
    if array.size == 0:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(
            f'boxes have shape {array.shape}, expected (n, 4): a row '
            '(x1, y1, x2, y2) a box, in pixels of the original image'
        )
    clipped, found = check_boxes(array, width, height)
    layout = guess_layout([array], [(width, height)])
    guess = f' They look like {layout}.' if layout else ''
    for kind in ('not finite', 'without area'):
        (bad,) = np.nonzero(found[kind])
        if len(bad):
            raise ValueError(
                f'{len(bad)} of {len(array)} boxes are {kind} in the image '
                f'of {width} x {height} pixels, the first is number {bad[0]}: '
                f'{array[bad[0]].tolist()}.{guess} Remedy: give (x1, y1, x2, '
                'y2) in pixels of the original image, not (x, y, width, '
                'height), and leave such boxes out'
            )
    if layout:
        raise ValueError(
            f'the {Count(len(array)):box} {Count(len(array)):is|are} not (x1, '
            'y1, x2, y2) in pixels of '
            f'the image of {width} x {height} pixels, the first is '
            f'{array[0].tolist()}.{guess} Remedy: convert them'
        )
    num_beyond = int(found['beyond the image'].sum())
    if num_beyond:
        print_log(
            f'clipped {num_beyond} of {len(array)} boxes that reach beyond '
            f'the image of {width} x {height} pixels',
            logger='current',
            level=logging.WARNING,
        )
    return clipped


def _as_array(boxes: Any) -> np.ndarray:
    if isinstance(boxes, Tensor):
        boxes = boxes.detach().to('cpu', torch.float32).numpy()
    try:
        return np.asarray(boxes, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'boxes are not an array of numbers ({error}). Remedy: give a '
            'row (x1, y1, x2, y2) a box'
        ) from error


def boxes_per_image(
    boxes: Any, num_images: int | None
) -> list[Boxes] | list[None]:
    """Pair boxes with images.

    Args:
        boxes: None, the boxes of a single image, or a list with those of
            each image.
        num_images: How long the list of images is; None: it is no list.

    Returns:
        Boxes or None, an item an image.

    Raises:
        ValueError: There are more or fewer of them than images.
    """
    if boxes is None:
        return [None] * (num_images or 1)
    if num_images is None:
        return [boxes]
    if not isinstance(boxes, list | tuple) or len(boxes) != num_images:
        count = len(boxes) if isinstance(boxes, list | tuple) else 'no list'
        raise ValueError(
            f'{Count(num_images):image} but boxes for {count}. Remedy: give a '
            'list with the boxes of each image, (n, 4) each'
        )
    return list(boxes)


def boxes_of_file(
    path: str | os.PathLike[str], images: Sequence[str | os.PathLike[str]]
) -> list[np.ndarray]:
    """Look images up in a proposal file.

    Args:
        path: A store or a pickle; a file that does not say which corners
            it holds is taken to hold edges.
        images: Paths; the last folder and the file name are looked up.

    Returns:
        Boxes of each image, (n, 4) float32 xyxy edges.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no proposal file, or lacks an image.
    """
    proposals = read_proposal_file(path).proposals
    keys = [proposal_key(image) for image in images]
    missing = [key for key in keys if key not in proposals]
    if missing:
        raise ValueError(
            f'{os.fspath(path)} has no boxes for {len(missing)} of '
            f'{Count(len(keys)):image}, the first is {missing[0]!r}; it has '
            f'{len(proposals)}, such as {next(iter(proposals), None)!r}. '
            'Remedy: give the file of these images, or none, for selective '
            'search'
        )
    return [proposals[key]['bboxes'] for key in keys]
