import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmdet_ohem.proposals.proposal_file import (
    load_made_with,
    load_proposals,
    make_entry,
    proposal_key,
    save_proposals,
)

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
        raise OSError('disk full')

    monkeypatch.setattr('os.fsync', disk_full)
    with pytest.raises(OSError, match='disk full'):
        save_proposals(path, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
