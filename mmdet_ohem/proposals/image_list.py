"""Reads image lists, VOC's ``ImageSets/Main/<split>.txt``.

The one reader of them: what a tool accepts, a dataset accepts as well.
"""

import codecs
import json
import os
import re
from pathlib import Path

from mmdet_ohem.proposals.image_files import SUFFIXES, find_images

# A line of VOC's lists of one class: 000005 -1
_CLASS_LINE = re.compile(r'(\S+)\s+(?:-1|0|1)')


def read_image_list(
    path: str | os.PathLike[str], repeats: bool = False
) -> list[str]:
    """Reads image ids, one per line, as in VOC's ``ImageSets/Main``.

    Blank lines, blanks around a name, a byte order mark and the line ends of
    any system mean nothing. ``name.jpg``, with a suffix of any image file, is
    ``name``.

    Args:
        path: The text file, UTF-8, or UTF-16 with a byte order mark.
        repeats: Whether an image may be listed more than once.

    Returns:
        The ids in the order of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no text, names no image, names one image twice, or
            has two columns, as VOC's lists of one class.
    """
    lines = [line.strip() for line in _read_lines(Path(path))]
    entries = [line for line in lines if line]
    if not entries:
        raise ValueError(
            f'image list {path} lists no image: it is empty; give one image '
            'id per line'
        )
    _refuse_class_list(entries, path)
    ids = [_without_suffix(entry) for entry in entries]
    for image_id in ids:
        if os.path.isabs(image_id) or '..' in image_id.split('/'):
            raise ValueError(
                f'image list {path} has {image_id!r}, which is a path; give '
                "names below the folder of the images, such as '000005'"
            )
    seen: set[str] = set()
    for image_id in ids if not repeats else ():
        if image_id in seen:
            raise ValueError(
                f'image list {path} has {image_id!r} twice; mmdet wants one '
                'entry per image: remove one of them'
            )
        seen.add(image_id)
    return ids


def listed_paths(
    image_list: str | os.PathLike[str],
    img_dir: str | os.PathLike[str],
    suffix: str | None = None,
) -> dict[str, Path]:
    """Finds the images of a list, each once.

    Args:
        image_list: A name a line, as VOC has; or a ``.json`` of COCO.
        img_dir: The folder of the images.
        suffix: See :func:`find_images`; COCO's names have theirs.

    Returns:
        Absolute path by id, in the order of the list.

    Raises:
        FileNotFoundError, ValueError: The list is missing or malformed, or
            two files differ in their suffix alone.
    """
    if Path(image_list).suffix == '.json':
        folder = os.path.abspath(img_dir)
        return {x: Path(folder, x) for x in _coco_file_names(image_list)}
    # A training may repeat images; their boxes are made once.
    names = read_image_list(image_list, repeats=True)
    return find_images(names, img_dir, suffix)


def _coco_file_names(path: str | os.PathLike[str]) -> list[str]:
    with open(path, encoding='utf-8') as file:
        try:
            return [str(x['file_name']) for x in json.load(file)['images']]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f'{path} is no annotation file of COCO, which has images '
                f'with a file_name each ({type(error).__name__}: {error}). '
                'Remedy: give instances_<split>.json or '
                'image_info_<split>.json'
            ) from error


def _read_lines(path: Path) -> list[str]:
    """The lines of a text file, whatever wrote it."""
    if not path.exists():
        raise FileNotFoundError(
            f'image list {path} does not exist; correct ann_file or '
            'data_root, or write it: one image id per line'
        )
    data = path.read_bytes()
    # Windows' shell writes UTF-16, its editor a mark before UTF-8.
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode('utf-16' if is_utf16 else 'utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'image list {path} is not a text file ({error}); give one image '
            'id per line, saved as UTF-8'
        ) from error
    if '\0' in text:
        raise ValueError(
            f'image list {path} is not a text file (it has zero bytes); give '
            'one image id per line, saved as UTF-8'
        )
    # Not splitlines, which also splits at characters that a name may have.
    return text.replace('\r\n', '\n').replace('\r', '\n').split('\n')


def _refuse_class_list(
    entries: list[str], path: str | os.PathLike[str]
) -> None:
    """Explain VOC's ``dog_trainval.txt``, which lists all images."""
    found = [_CLASS_LINE.fullmatch(entry) for entry in entries]
    names = {match[1] for match in found if match}
    # Names such as 'frame 0' and 'frame 1' have a blank, and no -1, 0, 1.
    if not all(found) or len(names) < len(entries):
        return
    raise ValueError(
        f'image list {path} has two columns, such as {entries[0]!r}, as '
        "VOC's lists of one class: an image and 1, -1 or 0, whether it has "
        'the class, has not, or has difficult objects of it only. Give the '
        'list of all images, such as trainval.txt, or write the images that '
        "have the class into a new list: awk '$2 == 1 {print $1}' "
        f'{path} > NEW_LIST'
    )


def _without_suffix(entry: str) -> str:
    stem, suffix = os.path.splitext(entry)
    return stem if stem and suffix.lower() in SUFFIXES else entry
