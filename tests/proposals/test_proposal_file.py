import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from mmdet_ohem.proposals.proposal_file import (
    load_made_with,
    load_proposals,
    make_entry,
    proposal_key,
    read_proposal_file,
    save_proposals,
)
from tests.safety.attack import Attack

BOXES = np.array([[0, 0, 9, 4], [3, 2, 3, 2]], dtype=np.float32)
KEY = 'JPEGImages/000005.jpg'


def write_pickle(path: Path, content: object) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize(
    ('path', 'key'),
    [
        ('data/VOC2007/JPEGImages/000005.jpg', KEY),
        (Path('/a/b/c.png'), 'b/c.png'),
        ('c.png', 'c.png'),
    ],
)
def test_key_is_last_folder_and_file_name(path: str | Path, key: str) -> None:
    assert proposal_key(path) == key


def test_loading_returns_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / 'new folder' / 'a.pkl'
    scores = np.array([0.5, 0.25], dtype=np.float32)
    save_proposals(path, {KEY: {'bboxes': BOXES, 'scores': scores}})
    loaded = load_proposals(path)
    assert list(loaded) == [KEY]
    np.testing.assert_array_equal(loaded[KEY]['bboxes'], BOXES)
    np.testing.assert_array_equal(loaded[KEY]['scores'], scores)


def test_mmdet_reads_it_as_the_plain_dict(tmp_path: Path) -> None:
    from mmengine.fileio import load

    path = tmp_path / 'a.pkl'
    save_proposals(path, {KEY: make_entry(BOXES)}, {'mode': 'fast'})
    content = load(path)
    assert list(content) == [KEY]
    assert sorted(content[KEY]) == ['bboxes', 'scores']
    assert content[KEY]['bboxes'].dtype == np.float32


def test_arrays_become_float32_and_missing_scores_zero(
    tmp_path: Path,
) -> None:
    entry = {'bboxes': BOXES.astype(np.float64).tolist()}
    loaded = load_proposals(write_pickle(tmp_path / 'a.pkl', {KEY: entry}))
    assert loaded[KEY]['bboxes'].dtype == np.float32
    assert loaded[KEY]['scores'].dtype == np.float32
    np.testing.assert_array_equal(loaded[KEY]['scores'], [0, 0])


@pytest.mark.parametrize('empty', [[], np.zeros((0, 4)), np.zeros((0, 0))])
def test_image_without_boxes_has_shape_0_4(
    tmp_path: Path, empty: object
) -> None:
    path = write_pickle(tmp_path / 'a.pkl', {KEY: {'bboxes': empty}})
    assert load_proposals(path)[KEY]['bboxes'].shape == (0, 4)


def test_made_with_is_kept_or_none(tmp_path: Path) -> None:
    path = tmp_path / 'a.pkl'
    save_proposals(path, {KEY: make_entry(BOXES)}, {'mode': 'fast'})
    assert load_made_with(path) == {'mode': 'fast'}
    save_proposals(path, {KEY: make_entry(BOXES)})
    assert load_made_with(path) is None


def write_stamped(path: Path, stamp: object) -> Path:
    """A file with a second pickle behind the entries."""
    entries = {KEY: {'bboxes': BOXES}}
    path.write_bytes(pickle.dumps(entries) + pickle.dumps(stamp))
    return path


def boxes_in(path: Path, corners: str | None = None) -> list[list[float]]:
    return load_proposals(path, corners)[KEY]['bboxes'].tolist()


AS_EDGES = [[0, 0, 9, 4], [3, 2, 3, 2]]
FROM_INCLUSIVE = [[0, 0, 10, 5], [3, 2, 4, 3]]


def test_our_files_say_that_they_hold_edges(tmp_path: Path) -> None:
    path = tmp_path / 'a.pkl'
    for made_with in (None, {'mode': 'fast'}):
        save_proposals(path, {KEY: make_entry(BOXES)}, made_with)
        with path.open('rb') as file:
            pickle.load(file)
            assert pickle.load(file)['corners'] == 'edges'
        assert boxes_in(path) == AS_EDGES
        assert read_proposal_file(path).says_corners


def test_our_older_files_hold_inclusive_corners(tmp_path: Path) -> None:
    # Written by this package before files said what they hold.
    path = write_stamped(tmp_path / 'a.pkl', {'mode': 'fast'})
    assert boxes_in(path) == FROM_INCLUSIVE
    assert read_proposal_file(path).says_corners
    assert load_made_with(path) == {'mode': 'fast'}


@pytest.mark.parametrize(
    ('corners', 'expected'),
    [('edges', AS_EDGES), ('inclusive', FROM_INCLUSIVE)],
)
def test_the_file_itself_is_believed(
    tmp_path: Path, corners: str, expected: list
) -> None:
    path = write_stamped(tmp_path / 'a.pkl', {'corners': corners})
    assert boxes_in(path) == boxes_in(path, corners) == expected
    other = 'inclusive' if corners == 'edges' else 'edges'
    with pytest.raises(
        ValueError, match=f"corners are {corners}, but '{other}' was asked"
    ) as error:
        load_proposals(path, other)
    assert str(path) in str(error.value)


def test_files_of_other_programs_hold_edges_unless_told(
    tmp_path: Path,
) -> None:
    entries = {KEY: {'bboxes': BOXES}}
    path = write_pickle(tmp_path / 'a.pkl', entries)
    assert boxes_in(path) == boxes_in(path, 'edges') == AS_EDGES
    assert boxes_in(path, 'inclusive') == FROM_INCLUSIVE
    assert not read_proposal_file(path).says_corners
    assert read_proposal_file(path, 'edges').says_corners
    # A second pickle that is no dict is not ours.
    path = write_stamped(tmp_path / 'b.pkl', [1, 2])
    assert boxes_in(path) == AS_EDGES


def test_of_our_older_files_the_caller_may_know_better(
    tmp_path: Path,
) -> None:
    path = write_stamped(tmp_path / 'a.pkl', {'mode': 'mine'})
    assert boxes_in(path, 'edges') == AS_EDGES


def test_mmdets_own_dump_is_read_as_edges(tmp_path: Path) -> None:
    scores = np.array([0.5, 0.25], np.float32)
    found = InstanceData(bboxes=BOXES, scores=scores)
    loaded = load_proposals(write_pickle(tmp_path / 'a.pkl', {KEY: found}))
    assert loaded[KEY]['bboxes'].tolist() == AS_EDGES
    assert loaded[KEY]['scores'].tolist() == [0.5, 0.25]


@pytest.mark.parametrize('corners', ['pixels', 1])
def test_unknown_corners_are_named(tmp_path: Path, corners: Any) -> None:
    path = write_stamped(tmp_path / 'a.pkl', {'corners': corners})
    for given in (None, corners):
        with pytest.raises(ValueError, match=f'{corners!r}, expected one of'):
            load_proposals(path, given)


@pytest.mark.parametrize('where', ['alone', 'in an entry', 'behind', 'third'])
def test_code_in_a_file_is_not_run(tmp_path: Path, where: str) -> None:
    attack = pickle.dumps(Attack(tmp_path / 'harm'))
    good = pickle.dumps({KEY: {'bboxes': BOXES}})
    path = tmp_path / 'a.pkl'
    path.write_bytes(
        {
            'alone': attack,
            'in an entry': pickle.dumps(
                {KEY: {'bboxes': Attack(tmp_path / 'harm')}}
            ),
            'behind': good + attack,
            'third': good + pickle.dumps({'mode': 'fast'}) + attack,
        }[where]
    )
    for read in (load_proposals, load_made_with):
        with pytest.raises(ValueError, match='proposals make') as error:
            read(path)
        assert str(path) in str(error.value)
    assert not (tmp_path / 'harm').exists()


def test_mmdets_dump_may_hold_tensors(tmp_path: Path) -> None:
    found = InstanceData(bboxes=torch.tensor(BOXES), scores=torch.rand(2))
    path = write_pickle(tmp_path / 'a.pkl', {KEY: found})
    assert boxes_in(path) == AS_EDGES


def test_a_torn_second_pickle_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / 'a.pkl'
    save_proposals(path, {KEY: make_entry(BOXES)}, {'mode': 'fast'})
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match='not a readable pickle'):
        load_proposals(path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([BOXES], r'list of 1 items, as for mmdet 2\.x'),
        (BOXES, 'holds a ndarray'),
        ({KEY: BOXES}, 'value is of type ndarray.*wrap the boxes'),
        ({5: {'bboxes': BOXES}}, 'entry 5: the key is of type int'),
        ({KEY: {'boxes': BOXES}}, r"no 'bboxes', only \['boxes'\]"),
        ({KEY: {'bboxes': BOXES[0]}}, r'shape \(4,\)'),
        ({KEY: {'bboxes': np.ones((2, 5))}}, r"move column 4 to 'scores'"),
        ({KEY: {'bboxes': [['a'] * 4]}}, 'not an array of numbers'),
        ({KEY: {'bboxes': [[0, 0, np.nan, 1]]}}, 'NaN'),
        ({KEY: {'bboxes': BOXES, 'scores': [1.0]}}, r'shape \(1,\) for 2'),
    ],
)
def test_malformed_content_is_named(
    tmp_path: Path, content: object, message: str
) -> None:
    path = write_pickle(tmp_path / 'bad.pkl', content)
    with pytest.raises(ValueError, match=message) as error:
        load_proposals(path)
    assert str(path) in str(error.value)
    if isinstance(content, dict) and KEY in content:
        assert KEY in str(error.value)


@pytest.mark.parametrize('data', [b'', b'not a pickle', b'\x80\x04\x95'])
def test_damaged_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / 'bad.pkl'
    path.write_bytes(data)
    with pytest.raises(ValueError, match='not a readable pickle') as error:
        load_proposals(path)
    assert str(path) in str(error.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.pkl does not exist'):
        load_proposals(tmp_path / 'no.pkl')


def test_failed_write_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'a.pkl'
    save_proposals(path, {KEY: make_entry(BOXES)})
    before = path.read_bytes()

    def disk_full(*_: Any) -> None:
        raise OSError(28, 'disk full')

    monkeypatch.setattr('os.fsync', disk_full)
    with pytest.raises(OSError, match='disk full'):
        save_proposals(path, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
