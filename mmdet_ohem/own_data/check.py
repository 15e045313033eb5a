"""What is wrong with the images and labels of a dataset.

Only what a person would call a mistake is named, with the image; what cannot
be trained on is left out.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmdet_ohem.counts import Count
from mmdet_ohem.own_data.records import Box, OwnData, Picture, Thing
from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.image_headers import read_headers

_UNREADABLE = 'unreadable images, left out'
_NO_AREA = 'objects without area inside the image, left out'
_BEYOND = 'objects beyond the image, clipped'
_TWICE = 'objects annotated twice, the same class and box, left out'
_SIZE = 'images of another size than annotated'
_TURNED = 'images with width and height the other way round than annotated'
_ALIKE = 'classes written in several ways'
_RARE = 'classes with too few objects to be learnt'
_SHARED = 'images in two splits, with the same pixels'
_COPIES = 'images that are copies of another'
# Fewer objects than this of a class are more likely a slip of the keyboard.
_FEW = 3
_SAME_IOU = 0.95


def checked(data: OwnData, background: bool = False) -> OwnData:
    """Look at all images, and at all boxes.

    Args:
        data: As it was read.
        background: Whether images without annotation are background; else
            they are left out: nobody has looked at them.

    Returns:
        The dataset with sizes, without what cannot be used, with mistakes.

    Raises:
        ValueError: No image with an object is left.
    """
    mistakes: dict[str, list[str]] = defaultdict(list, data.mistakes)
    pictures, num_bare = [], 0
    paths = [x.path for x in data.pictures]
    headers = read_headers(paths, str(data.folder))
    for picture, header in zip(data.pictures, headers, strict=True):
        name = data.name(picture)
        if header.problem:
            mistakes[_UNREADABLE].append(f'{name} ({header.problem})')
            continue
        if picture.things is None:
            num_bare += 1
            if not background:
                continue
        picture = replace(picture, size=(header.width, header.height))
        pictures.append(_usable(picture, name, mistakes))
    data = replace(data, pictures=tuple(pictures), mistakes=dict(mistakes))
    counts = data.counts()
    classes = tuple(x for x in data.classes if counts[x])
    if not classes:
        lines = '; '.join(data.mistake_lines())
        raise ValueError(
            f'{data.folder}: no object is left to be learnt ({lines}). '
            'Remedy: correct the annotations'
        )
    data = replace(data, classes=classes)
    data.mistakes.update(_of_classes(data))
    data.mistakes.update(_of_copies(data))
    if num_bare:
        what = 'are background' if background else 'are left out'
        other = (
            '' if background else '; --background takes them for background'
        )
        data = data.noting(
            f'{Count(num_bare):image} {Count(num_bare):has|have} no '
            f'annotation and {what}{other}'
        )
    return data


def _usable(
    picture: Picture, name: str, mistakes: dict[str, list[str]]
) -> Picture:
    """The picture with boxes that can be trained on."""
    said, size = picture.said_size, picture.size
    if min(said) > 0 and said != size:
        kind = _TURNED if said == size[::-1] else _SIZE
        mistakes[kind].append(
            f'{name} ({said[0]} x {said[1]}, image {size[0]} x {size[1]})'
        )
    things = picture.things or ()
    boxes, found = check_boxes(
        np.array([x.box for x in things], np.float32), *size
    )
    is_bad = found['not finite'] | found['without area']
    for kind, mask in (
        (_NO_AREA, is_bad),
        (_BEYOND, found['beyond the image']),
    ):
        mistakes[kind] += [name] * int(mask.sum())
    kept = [
        replace(thing, box=(x1, y1, x2, y2))
        for thing, (x1, y1, x2, y2), bad in zip(
            things, boxes.tolist(), is_bad, strict=True
        )
        if not bad
    ]
    kept, num_twice = _without_twins(kept)
    mistakes[_TWICE] += [name] * num_twice
    return replace(picture, things=tuple(kept))


def _without_twins(things: list[Thing]) -> tuple[list[Thing], int]:
    """Objects of which no two of a class have one box, and how many had."""
    kept: list[Thing] = []
    for thing in things:
        if not any(
            thing.name == x.name and iou(thing.box, x.box) > _SAME_IOU
            for x in kept
        ):
            kept.append(thing)
    return kept, len(things) - len(kept)


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, xyxy edges."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    areas = sum((x[2] - x[0]) * (x[3] - x[1]) for x in (first, second))
    return inter / (areas - inter)


def _of_classes(data: OwnData) -> Iterator[tuple[str, list[str]]]:
    """Names that differ in case and blanks alone; classes of few objects."""
    counts = data.counts()
    alike: dict[str, list[str]] = defaultdict(list)
    for name in data.classes:
        alike[''.join(x for x in name.lower() if x.isalnum())].append(name)
    yield (
        _ALIKE,
        [
            ' and '.join(f'{x!r} ({counts[x]})' for x in names)
            for names in alike.values()
            if len(names) > 1
        ],
    )
    rare = [x for x in data.classes if counts[x] < _FEW]
    if len(rare) < len(data.classes):
        yield _RARE, [f'{x!r} ({counts[x]})' for x in rare]


def _of_copies(data: OwnData) -> Iterator[tuple[str, list[str]]]:
    """Files with the same content, the worst being in two splits."""
    by_content: dict[tuple[int, str], list[Picture]] = defaultdict(list)
    sizes: dict[int, list[Picture]] = defaultdict(list)
    for picture in data.pictures:
        sizes[picture.path.stat().st_size].append(picture)
    for size, pictures in sizes.items():
        # Most sizes occur once: few files are read.
        for picture in pictures if len(pictures) > 1 else ():
            by_content[size, _digest(picture.path)].append(picture)
    shared: list[str] = []
    copies: list[str] = []
    for pictures in by_content.values():
        if len(pictures) < 2:
            continue
        names = ' = '.join(data.name(x) for x in pictures)
        is_shared = len({x.split for x in pictures}) > 1
        (shared if is_shared else copies).append(names)
    yield _SHARED, shared
    yield _COPIES, copies


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
