"""A dataset sees, and may change, the objects that mmdet reads."""

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ElementTree

import pytest

from mmdet_ohem.host.datasets import ParsedVOCDataset
from tests.voc_folder import Picture, Thing, write_voc

THINGS = [
    Thing('dog', (2, 3, 40, 50)),
    Thing('unicorn', (1, 1, 5, 5)),
    Thing('cat', (10, 20, 30, 40), difficult=1),
]


class Renamed(ParsedVOCDataset):
    """Notes the names of all objects, and trains on difficult ones."""

    names: tuple[str | None, ...] = ()

    def parse_instances(
        self, annotation: ElementTree, instances: list[dict]
    ) -> list[dict]:
        self.names = tuple(x.text for x in annotation.findall('object/name'))
        return [dict(x, ignore_flag=0) for x in instances]


def instances_of(kind: Any, root: Path) -> tuple[Any, list[dict]]:
    dataset = kind(
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_root=str(root),
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=[],
    )
    return dataset, dataset[0]['instances']


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_voc(tmp_path, dict(one=Picture(THINGS)))


def test_by_itself_the_objects_are_those_of_mmdet(root: Path) -> None:
    dataset, instances = instances_of(ParsedVOCDataset, root)
    classes = dataset.metainfo['classes']
    assert [classes[x['bbox_label']] for x in instances] == ['dog', 'cat']
    # mmdet's: the last pixel of each, where ours are edges.
    assert [x['bbox'] for x in instances] == [[2, 3, 39, 49], [10, 20, 29, 39]]
    assert [x['ignore_flag'] for x in instances] == [0, 1]


def test_a_subclass_sees_the_annotation_and_changes_objects(
    root: Path,
) -> None:
    dataset, instances = instances_of(Renamed, root)
    assert dataset.names == ('dog', 'unicorn', 'cat')
    assert [x['ignore_flag'] for x in instances] == [0, 0]
