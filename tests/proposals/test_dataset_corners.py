"""From the pixels of VOC's annotations, and of files, to edges."""

import pickle
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from mmdet.registry import DATASETS

from mmdet_ohem.proposals import load_proposals
from tests.proposals.test_voc_proposal_dataset import (
    DOG,
    PKL,
    gt_boxes,
    load,
    two,
)
from tests.voc_folder import Picture, Thing, write_voc


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Warnings of the data set."""
    found: list[str] = []
    for module in ('box_checks', 'join_proposals'):
        monkeypatch.setattr(
            f'mmdet_ohem.proposals.{module}.print_log',
            lambda text, **_: found.append(text),
        )
    return found


def in_pixels(root: Path, name: str) -> list[int]:
    """First and last pixels of the first object, as the annotation says."""
    tree = ET.parse(root / f'VOC2007/Annotations/{name}.xml')
    corners = tree.findall('object/bndbox')[0]
    return [int(str(corners.findtext(x))) for x in ('xmin', 'ymin',
            'xmax', 'ymax')]  # fmt: skip


def test_pixels_from_1_become_edges(
    tmp_path: Path, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two())
    assert in_pixels(root, 'a') == [11, 21, 40, 60]
    assert in_pixels(root, 'b') == [1, 1, 100, 80]
    dataset = load(root)
    assert gt_boxes(dataset.get_data_info(0)) == [[10, 20, 40, 60]]
    assert gt_boxes(dataset.get_data_info(1)) == [[0, 0, 100, 80]]
    assert dataset.metainfo['corners'] == 'edges'


@pytest.mark.parametrize('test_mode', [False, True])
def test_an_object_one_pixel_wide_counts(
    tmp_path: Path, messages: list[str], test_mode: bool
) -> None:
    things = [Thing('dog', (10, 20, 11, 60)), Thing('cat', (5, 5, 6, 6))]
    root = write_voc(tmp_path, two(things=things))
    x1, _, x2, _ = in_pixels(root, 'b')
    assert x1 == x2
    found = load(root, test_mode=test_mode).get_data_info(1)
    assert gt_boxes(found) == [[10, 20, 11, 60], [5, 5, 6, 6]]
    assert found['proposals']['bboxes'].tolist() == gt_boxes(found)
    assert messages == []


def test_ground_truth_of_a_test_is_never_left_out(
    tmp_path: Path, messages: list[str]
) -> None:
    odd = [
        Thing('dog', (40, 20, 10, 60)),
        Thing('dog', (10, 20, 10, 20)),
        Thing('cat', (200, 10, 240, 60)),
    ]
    root = write_voc(tmp_path, {'a': Picture([DOG, *odd])})
    tested = load(root, test_mode=True, proposal_file=None)
    assert gt_boxes(tested.get_data_info(0)) == [
        list(thing.box) for thing in (DOG, *odd)
    ]
    assert messages == []
    trained = load(root, proposal_file=None)
    assert gt_boxes(trained.get_data_info(0)) == [list(DOG.box)]


def foreign_file(root: Path, shift: int = 0) -> None:
    """The proposal file as another program writes it, x2 and y2 moved."""
    entries = load_proposals(root / PKL)
    for entry in entries.values():
        entry['bboxes'][:, 2:] += shift
    (root / PKL).write_bytes(pickle.dumps(entries))


WHOLE = (0, 0, 100, 80)


@pytest.mark.parametrize('corners', [None, 'edges', 'inclusive'])
def test_a_user_says_what_a_file_of_another_program_holds(
    tmp_path: Path, corners: str | None, messages: list[str]
) -> None:
    root = write_voc(tmp_path, two(proposals=[(3, 4, 5, 6)]))
    foreign_file(root)
    dataset = load(root, proposal_corners=corners)
    expected = [3, 4, 6, 7] if corners == 'inclusive' else [3, 4, 5, 6]
    found = dataset.get_data_info(1)['proposals']['bboxes']
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ('shift', 'corners', 'warns'),
    [
        (-1, None, True),
        (-1, 'inclusive', False),
        (-1, 'edges', False),
        (0, None, False),
    ],
)
def test_a_file_that_looks_inclusive_is_a_warning(
    tmp_path: Path,
    messages: list[str],
    shift: int,
    corners: str | None,
    warns: bool,
) -> None:
    boxes = [WHOLE, DOG.box]
    root = write_voc(tmp_path, {
        name: Picture([DOG], proposals=boxes) for name in 'ab'
    })  # fmt: skip
    foreign_file(root, shift)
    load(root, proposal_corners=corners)
    assert len(messages) == warns
    if warns:
        assert str(root / PKL) in messages[0]
        assert 'in 2 of 2 images' in messages[0]
        assert "proposal_corners='inclusive'" in messages[0]


def test_our_older_file_is_read_as_inclusive(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two(proposals=[(3, 4, 5, 6)]))
    entries = load_proposals(root / PKL)
    made_with = dict(method='selective_search', mode='fast', width=500)
    (root / PKL).write_bytes(pickle.dumps(entries) + pickle.dumps(made_with))
    found = load(root).get_data_info(1)['proposals']['bboxes']
    assert found.tolist() == [[3, 4, 6, 7]]


def test_unknown_corners_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'pixels', expected one of"):
        load(write_voc(tmp_path, two()), proposal_corners='pixels')


def test_years_with_the_same_corners_are_joined(tmp_path: Path) -> None:
    write_voc(tmp_path, two())
    config = dict(
        type='mmdet_ohem.VOCProposalDataset',
        data_root=str(tmp_path),
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=[],
    )
    joined = DATASETS.build(
        dict(type='ConcatDataset', datasets=[config, config])
    )
    assert joined.metainfo['corners'] == 'edges'
