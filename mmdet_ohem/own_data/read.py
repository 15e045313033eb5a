"""Find out what a folder holds, and read it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mmdet_ohem.counts import Count
from mmdet_ohem.own_data.coco import is_coco, read_coco
from mmdet_ohem.own_data.files import Files
from mmdet_ohem.own_data.records import OwnData, Picture
from mmdet_ohem.own_data.voc import is_voc, read_voc
from mmdet_ohem.own_data.yolo import is_yolo, read_yolo

#: What can be read.
FORMATS: dict[str, Callable[[Files], OwnData]] = {
    'voc': read_voc,
    'coco': read_coco,
    'yolo': read_yolo,
}


def read_folder(folder: Path, format: str | None = None) -> OwnData:
    """Read the images and annotations of a folder.

    Args:
        folder: With all of them in it, in whatever order.
        format: A key of :data:`FORMATS`; None: what is there.

    Returns:
        All images, with and without annotation. What cannot be read is among
        the mistakes.

    Raises:
        ValueError: There are no images, or no annotations, or several kinds
            of them.
    """
    files = Files(folder.resolve())
    if not files.images:
        raise ValueError(
            f'{folder} has no image file, nor has a folder below it. Remedy: '
            'give the folder that holds images and annotations'
        )
    if format is None:
        format = _what_is_there(files)
    data = FORMATS[format](files)
    if not any(x.things for x in data.pictures):
        wrong = ''.join(f'; {x}' for x in data.mistake_lines())
        raise ValueError(
            f'{folder} has {Count(len(files.images)):image}, but no object is '
            f'annotated as {format}{wrong}. Remedy: put the annotations '
            'beside the images, or correct them'
        )
    return replace(data, pictures=tuple(sorted(data.pictures, key=_path)))


def _path(picture: Picture) -> Path:
    return picture.path


def _what_is_there(files: Files) -> str:
    """The one format of which there are annotations.

    Raises:
        ValueError: There is none, or more than one.
    """
    found = []
    jsons = [x for x in files.of('.json') if is_coco(x)]
    if any(is_voc(x) for x in files.of('.xml')[:20]):
        found.append('voc')
    if jsons:
        found.append('coco')
    if is_yolo(files):
        found.append('yolo')
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f'{files.folder} has annotations in {Count(len(found)):format}: '
            f'{", ".join(found)}. Remedy: say which count, such as --format '
            f'{found[0]}'
        )
    raise ValueError(
        f'{files.folder} has {Count(len(files.images)):image}, but no '
        'annotation '
        'in VOC xml, COCO json or YOLO txt. Remedy: export them in one of '
        'these formats, and put them into this folder'
    )
