"""Small folders that look like what many people publish.

The four kinds after which they are made: pictures of one animal in
``images/`` and ``annotations/``; another one with ``annots/`` and objects
without area; playing cards with xml beside ``.JPG`` and ``.jpg`` in folders
of the splits; blood cells in VOC's layout with lists.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.voc_folder import Picture, Thing, annotation

WIDTH, HEIGHT = 100, 80
CAT = Thing('cat', (10, 10, 50, 60))
DOG = Thing('dog', (30, 20, 90, 70))


def write_image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(
        0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8
    )
    assert cv2.imwrite(str(path), noise)


def write_xml(path: Path, things: Sequence[Thing]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    annotation(Picture(things, WIDTH, HEIGHT)).write(path)


def one_animal(root: Path, num: int = 10) -> Path:
    """``images/`` and ``annotations/``, one class, no lists."""
    for i in range(num):
        write_image(root / f'images/animal-{i}.jpg', i)
        write_xml(root / f'annotations/animal-{i}.xml', [CAT])
    (root / 'data').mkdir()
    (root / 'data/labels.csv').write_text('filename,width\n')
    return root


def with_mistakes(root: Path, num: int = 10) -> Path:
    """``annots/``, and what goes wrong in labelling."""
    for i in range(num):
        write_image(root / f'images/{i:05}.jpg', i)
        write_xml(root / f'annots/{i:05}.xml', [CAT, DOG])
    write_xml(root / 'annots/00000.xml', [CAT, CAT, DOG])
    write_xml(root / 'annots/00001.xml', [Thing('cat', (30, 30, 30, 60))])
    write_xml(root / 'annots/00002.xml', [Thing('Cat', (90, 10, 130, 60))])
    (root / 'annots/00003.xml').write_text('<annotation><object>')
    (root / 'images/00004.jpg').write_bytes(b'no image')
    write_xml(root / 'annots/99999.xml', [CAT])
    image = (root / 'images/00005.jpg').read_bytes()
    (root / 'images/00006.jpg').write_bytes(image)
    annotation(Picture([DOG], HEIGHT, WIDTH)).write(root / 'annots/00007.xml')
    return root


def playing_cards(root: Path) -> Path:
    """xml beside images of both suffixes, in folders of the splits."""
    for split, num in (('train', 8), ('test', 4)):
        for i in range(num):
            suffix = '.JPG' if i % 2 else '.jpg'
            write_image(root / f'images/{split}/cam_{i}{suffix}', i)
            write_xml(root / f'images/{split}/cam_{i}.xml', [CAT, DOG])
    return root


def cells(root: Path) -> Path:
    """VOC's layout, with lists of train, val and test."""
    names = [f'cell_{i}' for i in range(10)]
    for i, name in enumerate(names):
        write_image(root / f'JPEGImages/{name}.jpg', i)
        write_xml(root / f'Annotations/{name}.xml', [CAT])
    lists = root / 'ImageSets/Main'
    lists.mkdir(parents=True)
    parts = dict(train=names[:5], val=names[5:7], test=names[7:9])
    for split, listed in {**parts, 'trainval': names[:7]}.items():
        (lists / f'{split}.txt').write_text('\n'.join(listed))
    return root


def yolo(root: Path) -> Path:
    """``images/`` and ``labels/`` by split, with ``data.yaml``."""
    (root / 'train').mkdir(parents=True)
    (root / 'data.yaml').write_text("names: ['cat', 'dog']\nnc: 2\n")
    for split, num in (('train', 5), ('valid', 3)):
        for i in range(num):
            write_image(root / f'{split}/images/{i}.png', i)
            labels = root / f'{split}/labels/{i}.txt'
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text('' if i == 2 else '1 0.5 0.5 0.2 0.5\n')
    (root / 'train/labels/0.txt').write_text('0 .1 .1 .3 .1 .3 .6 .1 .6\n')
    return root


def coco(root: Path) -> Path:
    """A json file a split, with a class that nobody uses."""
    for split in ('train', 'val'):
        images = []
        for i in range(4):
            write_image(root / f'{split}2017/{i}.jpg', i)
            images.append(
                dict(id=i, file_name=f'{i}.jpg', width=WIDTH, height=HEIGHT)
            )
        things = [
            dict(
                id=i,
                image_id=i,
                category_id=7,
                bbox=[10, 10, 40, 50],
                iscrowd=int(i == 2),
            )
            for i in range(3)
        ]
        content = dict(
            images=images,
            annotations=things,
            categories=[dict(id=3, name='thing'), dict(id=7, name='cat')],
        )
        path = root / f'annotations/instances_{split}2017.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return root
