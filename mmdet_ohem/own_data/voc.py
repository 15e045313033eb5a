"""VOC's format: an xml file an image, perhaps lists of names."""

import re
from collections import defaultdict
from pathlib import Path

from mmdet_ohem.own_data.files import Files, split_of
from mmdet_ohem.own_data.records import OwnData, Picture, Thing
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.voc_annotation import (
    AnnotationError,
    parse_annotation,
)

_FILENAME = re.compile(rb'<filename>\s*([^<]*?)\s*</filename>')
MALFORMED = 'unreadable annotations, left out with their images'
NO_IMAGE = 'annotations without an image'
UNCERTAIN = 'annotations that fit several images, left out'


def is_voc(path: Path) -> bool:
    """Whether an xml file is an annotation.

    Args:
        path: The file.
    """
    return b'<annotation' in path.read_bytes()[:4096]


def read_voc(files: Files) -> OwnData:
    """Read all annotations of a folder.

    Args:
        files: Of the folder.

    Returns:
        The dataset, classes by name.
    """
    mistakes: dict[str, list[str]] = defaultdict(list)
    found: dict[Path, Picture] = {}
    bad: set[Path] = set()
    for path in files.of('.xml'):
        data = path.read_bytes()
        if b'<annotation' not in data[:4096] and data.strip():
            continue
        name = path.relative_to(files.folder).as_posix()
        said = _FILENAME.search(data)
        images = files.image_of(path, _text(said[1]) if said else '')
        if len(images) != 1:
            mistakes[UNCERTAIN if images else NO_IMAGE].append(name)
            continue
        try:
            annotation = parse_annotation(data)
        except AnnotationError as error:
            mistakes[MALFORMED].append(f'{name} ({error})')
            bad.add(images[0])
            continue
        found[images[0]] = Picture(
            images[0],
            tuple(
                Thing(x.name, tuple(map(float, x.box)), x.difficult)  # type: ignore[arg-type]
                for x in annotation.objects
            ),
            (annotation.width, annotation.height),
        )
    splits = listed_splits(files)
    pictures = [
        _with_split(found.get(path, Picture(path)), splits, files)
        for path in files.images
        if path not in bad
    ]
    classes = sorted({t.name for p in pictures for t in p.things or ()})
    return OwnData(
        files.folder, 'voc', tuple(pictures), tuple(classes), dict(mistakes)
    )


def listed_splits(files: Files) -> dict[str, str]:
    """The split of each image by lists such as ``ImageSets/Main/train.txt``.

    Args:
        files: Of the folder.

    Returns:
        Split by the stem of the image. What ``trainval`` lists is for
        training where no other list says otherwise.
    """
    stems = {path.stem for path in files.images}
    found: dict[str, str] = {}
    lists = [x for x in files.of('.txt') if split_of([x.stem])]
    for path in sorted(lists, key=lambda x: x.stem != 'trainval'):
        try:
            names = [Path(x).stem for x in read_image_list(path, repeats=True)]
        except ValueError:  # no list of images
            continue
        known = [x for x in names if x in stems]
        if 2 * len(known) > len(names):
            split = split_of([path.stem])
            assert split is not None
            found.update(dict.fromkeys(known, split))
    return found


def _with_split(
    picture: Picture, splits: dict[str, str], files: Files
) -> Picture:
    parts = picture.path.relative_to(files.folder).parts[:-1]
    split = splits.get(picture.path.stem) if splits else split_of(parts)
    return Picture(
        picture.path, picture.things, picture.said_size, (0, 0), split
    )


def _text(data: bytes) -> str:
    return data.decode('utf-8', 'replace')
