"""Data of the right shape for every config, of a few small images."""

import json
import shutil
from pathlib import Path

import numpy as np
from mmdet.datasets import CocoDataset

from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry
from mmdet_ohem.proposals.selective_search import distinct_boxes
from tests.voc_folder import Picture, Thing, boxes_around, write_voc

THINGS = [
    Thing('dog', (4, 4, 43, 43)),
    Thing('cat', (50, 20, 95, 75)),
    Thing('dog', (20, 50, 45, 75), difficult=1),
]
NAMES = ('a', 'b')
NUM_PROPOSALS = 600
CROWD = [10, 10, 60, 60]  # x, y, width, height
_COCO_SPLITS = {
    'train2014': ('instances_train2014', 'coco_2014_train'),
    'val2014': ('instances_val2014', 'coco_2014_val'),
    'test2015': ('image_info_test-dev2015', 'coco_2015_test-dev'),
}


def write_data(root: Path) -> Path:
    """VOC07, VOC12 without objects of its test, and COCO, in one folder.

    Args:
        root: Takes the place of data/VOCdevkit/ and of data/coco/.

    Returns:
        ``root``.
    """
    # None of them twice, since such ones are left out.
    around = distinct_boxes(boxes_around(THINGS[:2], NUM_PROPOSALS + 20))
    around = around[:NUM_PROPOSALS]
    write_voc(root, {x: Picture(THINGS, proposals=around) for x in NAMES})
    for split in ('trainval', 'test'):
        _save(root, f'voc_2007_{split}', 'JPEGImages/', around)
    shutil.copytree(root / 'VOC2007', root / 'VOC2012')
    lists = root / 'VOC2012/ImageSets/Main'
    for split in ('train', 'val', 'trainval', 'test'):
        if split in ('train', 'val'):
            shutil.copy(lists / 'trainval.txt', lists / f'{split}.txt')
        _save(root, f'voc_2012_{split}', 'JPEGImages/', around)
    # Other images, of which nobody but the server knows the objects.
    for name in NAMES:
        image = root / f'VOC2012/JPEGImages/{name}.jpg'
        shutil.copy(image, image.with_name(f'unknown_{name}.jpg'))
    (lists / 'test.txt').write_text(''.join(f'unknown_{x}\n' for x in NAMES))
    _save(root, 'voc_2012_test', 'JPEGImages/unknown_', around)
    _write_coco(root, around)
    return root


def _save(root: Path, split: str, prefix: str, boxes: np.ndarray) -> None:
    save_proposals(
        root / f'proposals/{split}.safetensors',
        {f'{prefix}{name}.jpg': make_entry(boxes) for name in NAMES},
    )


def _write_coco(root: Path, boxes: np.ndarray) -> None:
    (root / 'annotations').mkdir()
    categories = [
        dict(id=i + 1, name=name)
        for i, name in enumerate(CocoDataset.METAINFO['classes'])
    ]
    ids = {x['name']: x['id'] for x in categories}
    for folder, (listing, split) in _COCO_SPLITS.items():
        (root / folder).mkdir()
        images: list[dict] = []
        annotations: list[dict] = []
        for image_id, name in enumerate(NAMES, 1):
            file_name = f'{folder}_{name}.jpg'
            shutil.copy(
                root / f'VOC2007/JPEGImages/{name}.jpg',
                root / folder / file_name,
            )
            images.append(
                dict(id=image_id, file_name=file_name, width=100, height=80)
            )
            boxes_xywh = [
                (ids[x.name], [*x.box[:2], x.box[2] - x.box[0],
                               x.box[3] - x.box[1]], 0)
                for x in THINGS
            ]  # fmt: skip
            for category, box, crowd in [*boxes_xywh, (1, CROWD, 1)]:
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=image_id,
                        category_id=category,
                        bbox=box,
                        area=box[2] * box[3],
                        iscrowd=crowd,
                    )
                )
        content = dict(images=images, categories=categories)
        if listing.startswith('instances'):
            content['annotations'] = annotations
        path = root / f'annotations/{listing}.json'
        path.write_text(json.dumps(content))
        _save(root, split, f'{folder}/{folder}_', boxes)
