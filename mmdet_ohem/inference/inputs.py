"""What a user hands over: images and boxes, checked."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.proposal_file import load_proposals, proposal_key

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
        ValueError: It is no image.
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
    check_image(image)
    read = mmcv.imread(os.fspath(image))
    if read is None:
        raise _no_image(image)
    return read


def check_image(image: str | os.PathLike[str]) -> None:
    """Look whether a file is an image, by its first bytes.

    Args:
        image: Its path.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no image.
    """
    path = os.fspath(image)
    if not os.path.exists(path):
        raise FileNotFoundError(f'image {path} does not exist')
    if os.path.isdir(path) or not cv2.haveImageReader(path):
        raise _no_image(path)


def _no_image(path: str | os.PathLike[str]) -> ValueError:
    return ValueError(
        f'{os.fspath(path)} cannot be read as an image. Remedy: give the '
        'path of an image file, such as .jpg or .png'
    )


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
        ValueError: They have another shape, are not finite, or have no area
            inside the image.
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
    for kind in ('not finite', 'without area'):
        (bad,) = np.nonzero(found[kind])
        if len(bad):
            raise ValueError(
                f'{len(bad)} of {len(array)} boxes are {kind} in the image '
                f'of {width} x {height} pixels, the first is number {bad[0]}: '
                f'{array[bad[0]].tolist()}. Remedy: give (x1, y1, x2, y2) in '
                'pixels of the original image, not (x, y, width, height), '
                'and leave such boxes out'
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
            f'{num_images} images but boxes for {count}. Remedy: give a '
            'list with the boxes of each image, (n, 4) each'
        )
    return list(boxes)


def boxes_of_file(
    path: str | os.PathLike[str], images: Sequence[str | os.PathLike[str]]
) -> list[np.ndarray]:
    """Look images up in a proposal file.

    Args:
        path: As ``tools/make_proposals.py`` writes it; a file that does not
            say which corners it holds is taken to hold edges.
        images: Paths; the last folder and the file name are looked up.

    Returns:
        Boxes of each image, (n, 4) float32 xyxy edges.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no proposal file, or lacks an image.
    """
    proposals = load_proposals(path)
    keys = [proposal_key(image) for image in images]
    missing = [key for key in keys if key not in proposals]
    if missing:
        raise ValueError(
            f'{os.fspath(path)} has no boxes for {len(missing)} of '
            f'{len(keys)} images, the first is {missing[0]!r}; it has '
            f'{len(proposals)}, such as {next(iter(proposals), None)!r}. '
            'Remedy: give the file of these images, or none, for selective '
            'search'
        )
    return [proposals[key]['bboxes'] for key in keys]
