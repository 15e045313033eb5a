"""COCO's objects and our proposals, whatever the file holds."""

import json
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS

from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry

RECT = [10, 20, 30, 5]  # x, y, width, height
EDGES = [10, 20, 40, 25]
KEY = 'train/a.jpg'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image with an object."""
    (tmp_path / 'train').mkdir()
    cv2.imwrite(str(tmp_path / KEY), np.zeros((80, 100, 3), np.uint8))
    names = CocoDataset.METAINFO['classes']
    thing = dict(
        id=1, image_id=1, category_id=3, bbox=RECT, area=150, iscrowd=0
    )
    content = dict(
        images=[dict(id=1, file_name='a.jpg', width=100, height=80)],
        annotations=[thing],
        categories=[dict(id=i + 1, name=x) for i, x in enumerate(names)],
    )
    (tmp_path / 'a.json').write_text(json.dumps(content))
    return tmp_path


def load(root: Path, **kwargs: Any) -> Any:
    config = dict(
        type='mmdet_ohem.CocoProposalDataset',
        data_root=str(root),
        ann_file='a.json',
        data_prefix=dict(img='train/'),
        proposal_file='p.pkl',
        pipeline=[],
    )
    return DATASETS.build(config | kwargs)


def test_an_object_and_its_proposal_are_one_box(root: Path) -> None:
    save_proposals(root / 'p.pkl', {KEY: make_entry(np.array([EDGES]))})
    info = load(root).get_data_info(0)
    assert [x['bbox'] for x in info['instances']] == [EDGES]
    assert info['proposals']['bboxes'].tolist() == [EDGES]


@pytest.mark.parametrize(
    ('stamp', 'corners'),
    [({'mode': 'fast'}, None), (None, 'inclusive')],
)
def test_last_pixels_become_edges(
    root: Path, stamp: dict | None, corners: str | None
) -> None:
    """Our older files, and those of which the user says it."""
    entries = {KEY: {'bboxes': np.array([[10, 20, 39, 24]])}}
    data = pickle.dumps(entries) + (pickle.dumps(stamp) if stamp else b'')
    (root / 'p.pkl').write_bytes(data)
    info = load(root, proposal_corners=corners).get_data_info(0)
    assert info['proposals']['bboxes'].tolist() == [EDGES]


def test_an_image_without_entry_is_named(root: Path) -> None:
    save_proposals(root / 'p.pkl', {'x.jpg': make_entry(np.array([EDGES]))})
    with pytest.raises(ValueError, match=f"'{KEY}'"):
        load(root)


def test_the_classes_are_cocos(root: Path) -> None:
    meta = load(root, lazy_init=True).metainfo
    assert meta['classes'] == CocoDataset.METAINFO['classes']
    assert meta['corners'] == 'edges'
