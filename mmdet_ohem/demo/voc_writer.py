"""Writes the embedded dataset in the format of PASCAL VOC."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from .glyphs import CLASSES, Split
from .hard_digits import Scene, render_scene

_FORMAT = 1  # raise it when the pictures change, so that old data are redone
_STAMP = 'dataset.json'
_JPEG_QUALITY = 92


def write_dataset(
    out: Path,
    seed: int = 0,
    num_train: int = 400,
    num_test: int = 200,
    size: tuple[int, int] = (256, 192),
    on_image: Callable[[], None] | None = None,
) -> bool:
    """Write both splits, unless they are there already.

    A picture depends on seed, split and its number in the split only: more
    training images leave the others as they were. Its settings are written
    last, so a dataset that was interrupted is made again.

    Args:
        out: Folder; gets ``JPEGImages``, ``Annotations``, ``ImageSets/Main``.
        seed: Not negative.
        num_train: Training images, named 000001 and on.
        num_test: Test images, named 500001 and on.
        size: Width and height in pixels, at least 128 by 96.
        on_image: Called after each image.

    Returns:
        Whether anything was written.
    """
    counts = {'train': num_train, 'test': num_test}
    _check_settings(seed, counts, size)
    settings = dict(format=_FORMAT, seed=seed, size=list(size), **counts)
    stamp = out / _STAMP
    if stamp.is_file() and json.loads(stamp.read_text()) == settings:
        return False
    stamp.unlink(missing_ok=True)
    for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(get_args(Split)):
        names = []
        for index in range(counts[split]):
            rng = np.random.default_rng((seed, number, index))
            names.append(f'{number * 500000 + index + 1:06d}')
            _write_scene(render_scene(rng, split, size), out, names[-1])
            if on_image is not None:
                on_image()
        listing = ''.join(f'{name}\n' for name in names)
        (out / f'ImageSets/Main/{split}.txt').write_text(listing)
    stamp.write_text(json.dumps(settings))
    return True


def _check_settings(
    seed: int, counts: dict[str, int], size: tuple[int, int]
) -> None:
    """Raise ValueError at settings that give no dataset."""
    if seed < 0:
        raise ValueError(f'seed is {seed}; give 0 or more')
    for split, count in counts.items():
        if not 1 <= count < 500000:
            raise ValueError(f'{split} has {count} images; give 1 to 499999')
    if size[0] < 128 or size[1] < 96:
        raise ValueError(
            f'size is {size[0]} x {size[1]}; give at least 128 x 96, or the '
            'marks find no room'
        )


def _write_scene(scene: Scene, out: Path, name: str) -> None:
    """Write a scene's JPEG and XML."""
    _, encoded = cv2.imencode(
        '.jpg', scene.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    (out / f'JPEGImages/{name}.jpg').write_bytes(encoded.tobytes())
    root = annotation(scene, f'{name}.jpg')
    ET.indent(root)
    ET.ElementTree(root).write(out / f'Annotations/{name}.xml')


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
