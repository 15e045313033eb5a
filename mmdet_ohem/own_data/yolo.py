"""YOLO's format: a txt file an image, in fractions of its size."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import yaml

from mmdet_ohem.own_data.files import Files, split_of
from mmdet_ohem.own_data.records import OwnData, Picture, Thing
from mmdet_ohem.own_data.voc import (
    MALFORMED,
    NO_IMAGE,
    UNCERTAIN,
    listed_splits,
)
from mmdet_ohem.proposals.image_headers import read_header

_LINE = re.compile(r'\s*\d+(\s+-?[\d.]+(e-?\d+)?){4,}\s*', re.IGNORECASE)
_NAME_FILES = ('classes.txt', 'obj.names', '_darknet.labels')
# Texts that lie beside labels and are none.
_NO_LABELS = ('classes.txt', 'notes.txt', 'readme.txt', 'requirements.txt')
_LOOKED_AT = 50


def is_yolo(files: Files) -> bool:
    """Whether there are texts of YOLO's kind beside images.

    Args:
        files: Of the folder.
    """
    labels = [x for x in _labels(files) if files.image_of(x)]
    for path in labels[:_LOOKED_AT]:
        lines = _lines(path)
        if lines:
            return all(_LINE.fullmatch(x) for x in lines)
    return False


def read_yolo(files: Files) -> OwnData:
    """Read all labels of a folder.

    Args:
        files: Of the folder.

    Returns:
        The dataset; a class without a name is ``class_<number>``.
    """
    names = _class_names(files)
    mistakes: dict[str, list[str]] = defaultdict(list)
    found: dict[Path, Picture] = {}
    bad: set[Path] = set()
    numbers: set[int] = set()
    for path in _labels(files):
        images = files.image_of(path)
        label = path.relative_to(files.folder).as_posix()
        if len(images) != 1:
            mistakes[UNCERTAIN if images else NO_IMAGE].append(label)
            continue
        header = read_header(images[0])
        try:
            things, seen = _things(path, names, header.width, header.height)
        except ValueError as error:
            mistakes[MALFORMED].append(f'{label} ({error})')
            bad.add(images[0])
            continue
        numbers |= seen
        found[images[0]] = Picture(images[0], things)
    splits = listed_splits(files)
    pictures = []
    for path in files.images:
        if path in bad:
            continue
        split = splits.get(path.stem) if splits else None
        folders = path.relative_to(files.folder).parts[:-1]
        picture = found.get(path, Picture(path))
        pictures.append(
            Picture(path, picture.things, split=split or split_of(folders))
        )
    classes = tuple(_name(x, names) for x in sorted(numbers))
    return OwnData(
        files.folder, 'yolo', tuple(pictures), classes, dict(mistakes)
    )


def _labels(files: Files) -> list[Path]:
    lists = {x for x in files.of('.txt') if split_of([x.stem])}
    return [
        x
        for x in files.of('.txt')
        if x not in lists and x.name.lower() not in _NO_LABELS
    ]


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except ValueError:
        return []
    return [x for x in text.splitlines() if x.strip()]


def _things(
    path: Path, names: dict[int, str], width: int, height: int
) -> tuple[tuple[Thing, ...], set[int]]:
    """Objects of an image, and the numbers of their classes.

    Raises:
        ValueError: A line is something else.
    """
    things, numbers = [], set()
    for nth, line in enumerate(_lines(path), 1):
        if not _LINE.fullmatch(line):
            raise ValueError(
                f'line {nth} is {line[:60]!r}, expected class x y width height'
            )
        number, *values = line.split()
        x, y, w, h = map(float, values[:4])
        box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        if len(values) > 5:  # the corners of a polygon
            points = list(map(float, values))
            xs, ys = points[::2], points[1::2]
            box = (min(xs), min(ys), max(xs), max(ys))
        if max(box) > 1.5 or min(box) < -0.5:
            raise ValueError(
                f'line {nth} is {line[:60]!r}: these are no fractions of the '
                'image'
            )
        x1, y1, x2, y2 = box
        numbers.add(int(number))
        things.append(
            Thing(
                _name(int(number), names),
                (x1 * width, y1 * height, x2 * width, y2 * height),
            )
        )
    return tuple(things), numbers


def _name(number: int, names: dict[int, str]) -> str:
    return names.get(number, f'class_{number}')


def _class_names(files: Files) -> dict[int, str]:
    """Names by number, of ``data.yaml`` or ``classes.txt``."""
    for path in files.of('.yaml', '.yml'):
        try:
            content = yaml.safe_load(path.read_text(encoding='utf-8-sig'))
        except (ValueError, yaml.YAMLError):
            continue
        names = content.get('names') if isinstance(content, dict) else None
        if isinstance(names, str):  # "['a', 'b']"
            try:
                names = ast.literal_eval(names)
            except (SyntaxError, ValueError):
                continue
        if isinstance(names, dict):
            return {int(k): str(v).strip() for k, v in names.items()}
        if isinstance(names, list):
            return {i: str(x).strip() for i, x in enumerate(names)}
    for path in files.of('.txt', '.names', '.labels'):
        if path.name.lower() in _NAME_FILES:
            return {i: x.strip() for i, x in enumerate(_lines(path))}
    return {}
