"""Reads image lists, VOC's ``ImageSets/Main/<split>.txt``."""

import os
from collections.abc import Sequence
from pathlib import Path


def read_image_list(path: str | os.PathLike[str]) -> list[str]:
    """Reads image ids, one per line, as in VOC's ``ImageSets/Main``.

    Args:
        path: The text file; empty lines are left out.

    Returns:
        The ids in the order of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no text, names no image, or one image twice.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8').splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f'image list {path} is not a text file ({error}); give one image '
            'id per line'
        ) from error
    ids = [line.strip() for line in lines if line.strip()]
    if not ids:
        raise ValueError(
            f'image list {path} is empty; give one image id per line'
        )
    seen: set[str] = set()
    for image_id in ids:
        if image_id in seen:
            raise ValueError(
                f'image list {path} has {image_id!r} twice; mmdet wants one '
                'entry per image: remove one of them'
            )
        seen.add(image_id)
    return ids


def find_images(
    image_ids: Sequence[str],
    img_dir: str | os.PathLike[str],
    suffix: str = '.jpg',
) -> dict[str, Path]:
    """Makes the image paths of a list; doesn't look whether they exist.

    Args:
        image_ids: Names of the images, each once.
        img_dir: Their folder.
        suffix: What follows the id in the file name.

    Returns:
        Absolute path by id: the folder's name is part of mmdet's key, and
        ``.`` has none.
    """
    folder = os.path.abspath(img_dir)
    return {name: Path(folder, name + suffix) for name in image_ids}
