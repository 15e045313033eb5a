"""COCO's format: a json file a split."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from mmdet_ohem.own_data.files import Files, split_of
from mmdet_ohem.own_data.json_file import read_json
from mmdet_ohem.own_data.records import OwnData, Picture, Thing
from mmdet_ohem.own_data.voc import UNCERTAIN

_MISSING = 'images that a json file lists, but are not there'
_KEYS = ('images', 'annotations', 'categories')


def is_coco(path: Path) -> bool:
    """Whether a json file has objects in COCO's format.

    Args:
        path: The file.
    """
    content = read_json(path)
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in _KEYS
    )


def read_coco(files: Files) -> OwnData:
    """Read all json files of a folder.

    Args:
        files: Of the folder.

    Returns:
        The dataset; classes in the order of the first file.
    """
    mistakes: dict[str, list[str]] = defaultdict(list)
    found: dict[Path, Picture] = {}
    classes: dict[str, None] = {}
    for path in files.of('.json'):
        if not is_coco(path):
            continue
        content: Any = read_json(path)
        names = {
            x.get('id'): str(x.get('name')).strip()
            for x in content['categories']
        }
        classes.update(dict.fromkeys(names.values()))
        things = _things(content, names, path, mistakes)
        split = split_of(_words(path, files))
        for image in content['images']:
            name = str(image.get('file_name'))
            paths = files.named(name, path)
            if len(paths) != 1:
                kind = UNCERTAIN if paths else _MISSING
                mistakes[kind].append(name)
                continue
            folders = paths[0].relative_to(files.folder).parts[:-1]
            found[paths[0]] = Picture(
                paths[0],
                tuple(things.get(image.get('id'), ())),
                (int(image.get('width') or 0), int(image.get('height') or 0)),
                split=split or split_of(folders),
            )
    pictures = [found.get(x, Picture(x)) for x in files.images]
    used = {t.name for p in pictures for t in p.things or ()}
    return OwnData(
        files.folder,
        'coco',
        tuple(pictures),
        tuple(x for x in classes if x in used),
        dict(mistakes),
    )


def _words(path: Path, files: Files) -> list[str]:
    """Words of a file's name and folders: ``instances_train2017.json``."""
    parts = path.relative_to(files.folder).with_suffix('').parts
    return [x for part in parts for x in re.split(r'[^A-Za-z]+', part)]


def _things(
    content: Any,
    names: dict[Any, str],
    path: Path,
    mistakes: dict[str, list[str]],
) -> dict[Any, list[Thing]]:
    """Objects by the id of their image."""
    things: dict[Any, list[Thing]] = defaultdict(list)
    for item in content['annotations']:
        try:
            x, y, width, height = map(float, item['bbox'])
            name = names[item['category_id']]
        except (KeyError, TypeError, ValueError) as error:
            what = f'{path.name}, annotation {item.get("id")} ({error!r})'
            mistakes['unreadable objects, left out'].append(what)
            continue
        ignored = bool(item.get('iscrowd') or item.get('ignore'))
        things[item.get('image_id')].append(
            Thing(name, (x, y, x + width, y + height), ignored)
        )
    return things
