"""Writes the embedded dataset in the format of PASCAL VOC."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np

from mmdet_ohem.counts import Count
from mmdet_ohem.host.files import write_text

from .glyphs import CLASSES, Split
from .hard_digits import NUM_DECOYS, Scene, render_scene

_FORMAT = 1  # raise it when the pictures change, so that old data are redone
_STAMP = 'dataset.json'
_SETTINGS = {'format', 'seed', 'size', 'train', 'test'}
_UNFINISHED = 'unfinished'
_JPEG_QUALITY = 92


def write_dataset(
    out: Path,
    seed: int = 0,
    num_train: int = 400,
    num_test: int = 200,
    size: tuple[int, int] = (256, 192),
    num_decoys: tuple[int, int] = NUM_DECOYS,
    on_image: Callable[[], None] | None = None,
) -> bool:
    """Write both splits, unless they are there already.

    A picture depends on seed, split and its number in the split only: more
    training images leave the others as they were. A dataset that was
    interrupted says so itself, and is made again.

    Args:
        out: Folder; gets ``JPEGImages``, ``Annotations``, ``ImageSets/Main``.
            It must be new, empty, or a dataset that this function wrote.
        seed: Not negative.
        num_train: Training images, named 000001 and on.
        num_test: Test images, named 500001 and on.
        size: Width and height in pixels, at least 128 by 96.
        num_decoys: The least and the most in an image: how much hard
            background there is.
        on_image: Called after each image.

    Returns:
        Whether anything was written.

    Raises:
        FileExistsError: The folder holds something else.
        OSError: A file cannot be written; the error names it.
        ValueError: The settings give no dataset.
    """
    counts = {'train': num_train, 'test': num_test}
    _check_settings(seed, counts, size, num_decoys)
    settings = dict(format=_FORMAT, seed=seed, size=list(size), **counts)
    if num_decoys != NUM_DECOYS:
        settings['num_decoys'] = list(num_decoys)
    stamp = out / _STAMP
    if _read_stamp(out) == settings:
        return False
    # First of all: it says that what follows is ours, should we be stopped.
    write_text(stamp, json.dumps({**settings, _UNFINISHED: True}))
    for number, split in enumerate(get_args(Split)):
        names = []
        for index in range(counts[split]):
            rng = np.random.default_rng((seed, number, index))
            names.append(f'{number * 500000 + index + 1:06d}')
            _write_scene(
                render_scene(rng, split, size, num_decoys), out, names[-1]
            )
            if on_image is not None:
                on_image()
        listing = ''.join(f'{name}\n' for name in names)
        _write(out / f'ImageSets/Main/{split}.txt', listing.encode())
    write_text(stamp, json.dumps(settings))
    return True


def _read_stamp(out: Path) -> dict[str, Any]:
    """What the dataset in a folder was made with.

    Returns:
        Its settings; none where the folder is new or empty.

    Raises:
        FileExistsError: It holds something that is not ours.
    """
    if not out.exists():
        return {}
    # A stamp that was interrupted leaves a temporary file.
    if out.is_dir() and all(
        x.name.startswith(f'{_STAMP}.') for x in out.iterdir()
    ):
        return {}
    try:
        found = json.loads((out / _STAMP).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        found = None
    # A user's own file may well have the same name.
    if not isinstance(found, dict) or not found.keys() >= _SETTINGS:
        raise FileExistsError(
            f'{out} is there and holds no dataset of make_demo_dataset.py '
            f'({_STAMP}), so that files of your own could be replaced. '
            'Remedy: give a new or an empty folder'
        )
    return found


def _write(path: Path, data: bytes) -> None:
    """Write a file; an error names it, also where the disk is full.

    Nothing waits for the disk here, which takes long for so many files: a
    dataset counts as made when its stamp says so.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        named = error.filename or str(path)
        raise OSError(error.errno, error.strerror, named) from error


def _check_settings(
    seed: int,
    counts: dict[str, int],
    size: tuple[int, int],
    num_decoys: tuple[int, int],
) -> None:
    """Raise ValueError at settings that give no dataset."""
    if seed < 0:
        raise ValueError(f'seed is {seed}; give 0 or more')
    for split, count in counts.items():
        if not 1 <= count < 500000:
            raise ValueError(
                f'{split} has {Count(count):image}; give 1 to 499999'
            )
    if size[0] < 128 or size[1] < 96:
        raise ValueError(
            f'size is {size[0]} x {size[1]}; give at least 128 x 96, or the '
            'marks find no room'
        )
    if not 0 <= num_decoys[0] <= num_decoys[1]:
        raise ValueError(
            f'num_decoys is {num_decoys[0]} {num_decoys[1]}; give the least '
            'and the most, such as 4 8'
        )


def _write_scene(scene: Scene, out: Path, name: str) -> None:
    """Write a scene's JPEG and XML."""
    _, encoded = cv2.imencode(
        '.jpg', scene.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    _write(out / f'JPEGImages/{name}.jpg', encoded.tobytes())
    root = annotation(scene, f'{name}.jpg')
    ET.indent(root)
    _write(out / f'Annotations/{name}.xml', ET.tostring(root))


def annotation(scene: Scene, filename: str) -> ET.Element:
    """Return a scene's VOC annotation: pixels from 1, the last one included.

    Decoys are ``<decoy>`` elements, which readers of VOC files pass over.

    Args:
        scene: The scene.
        filename: Name of its picture.
    """
    root = ET.Element('annotation')
    _add(root, folder='hard_digits', filename=filename)
    height, width, depth = scene.image.shape
    _add(ET.SubElement(root, 'size'), width=width, height=height, depth=depth)
    for box, label, covered in zip(
        scene.boxes, scene.labels, scene.covered, strict=True
    ):
        item = ET.SubElement(root, 'object')
        _add(item, name=CLASSES[label], pose='Unspecified')
        # Every digit is wholly in the picture; bars only cover parts of it.
        _add(item, truncated=0, occluded=int(covered > 0), difficult=0)
        _add_box(item, box)
    for box in scene.hard_background:
        _add_box(ET.SubElement(root, 'decoy'), box)
    return root


def _add(parent: ET.Element, **fields: str | int) -> None:
    """Add one child element with text per field."""
    for tag, value in fields.items():
        ET.SubElement(parent, tag).text = str(value)


def _add_box(parent: ET.Element, box: np.ndarray) -> None:
    """Add a ``bndbox`` for xyxy edges: first and last pixels, from 1."""
    x1, y1, x2, y2 = (int(v) for v in box)
    corners = ET.SubElement(parent, 'bndbox')
    _add(corners, xmin=x1 + 1, ymin=y1 + 1, xmax=x2, ymax=y2)
