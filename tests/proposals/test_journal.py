"""What a killed or damaged run leaves, and what becomes of it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmdet_ohem.proposals.journal import Journal, SettingsMismatchError
from mmdet_ohem.proposals.proposal_entries import FoundBoxes

SETTINGS = {'mode': 'fast', 'width': 500}


def boxes_of(value: int, num: int = 3) -> np.ndarray:
    return np.full((num, 4), value, np.float32)


def found(value: int, num: int = 3) -> FoundBoxes:
    return FoundBoxes(boxes_of(value, num), (8, 9))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with two images."""
    path = tmp_path / 'o.pkl.partial'
    with Journal(path, SETTINGS) as journal:
        journal.add('a', found(1))
        journal.add('b', found(2, num=0))
    return path


def test_what_was_added_is_there_again(path: Path) -> None:
    with Journal(path, SETTINGS) as journal:
        assert journal.counts == {'a': 3, 'b': 0}
        assert journal.sizes == {'a': (8, 9), 'b': (8, 9)}
        boxes, size, scores = journal.read('a')
        assert np.array_equal(boxes, boxes_of(1))
        assert boxes.dtype == np.float32
        assert (size, scores) == ((8, 9), None)
        assert journal.read('b').boxes.shape == (0, 4)
        boxes += 1  # one's own to change


def test_scores_are_kept(path: Path) -> None:
    scores = np.array([0.5, 0.25, 0], np.float32)
    with Journal(path, SETTINGS) as journal:
        journal.add('c', FoundBoxes(boxes_of(1), (8, 9), scores))
    with Journal(path, SETTINGS) as journal:
        kept = journal.read('c').scores
        assert kept is not None and kept.tolist() == [0.5, 0.25, 0]
        assert journal.read('c').entry()['scores'].tolist() == [0.5, 0.25, 0]


def test_a_run_that_an_older_version_began_goes_on(path: Path) -> None:
    database = sqlite3.connect(path)
    with database:
        for column in ('scores', 'width', 'height'):
            database.execute(f'ALTER TABLE images DROP COLUMN {column}')
    database.close()
    with Journal(path, SETTINGS) as journal:
        assert journal.sizes['a'] == (0, 0)
        assert np.array_equal(journal.read('a').boxes, boxes_of(1))
        journal.add('c', found(3))
    with Journal(path, SETTINGS) as journal:
        assert journal.sizes['c'] == (8, 9)


def test_an_image_added_twice_has_its_last_boxes(path: Path) -> None:
    with Journal(path, SETTINGS) as journal:
        journal.add('a', found(5, num=1))
    with Journal(path, SETTINGS) as journal:
        assert np.array_equal(journal.read('a').boxes, boxes_of(5, num=1))


def test_it_can_be_read_by_any_program_of_sqlite(path: Path) -> None:
    database = sqlite3.connect(path)
    rows = database.execute('SELECT name, num_boxes, boxes FROM images')
    (name, count, data), _ = sorted(rows)
    database.close()
    assert (name, count) == ('a', 3)
    assert data == boxes_of(1).tobytes()


def test_other_settings_are_an_error_that_names_both(path: Path) -> None:
    with pytest.raises(
        SettingsMismatchError, match=r"2 images.*'width': 500.*'width': 400"
    ):
        Journal(path, SETTINGS | {'width': 400})


def test_an_empty_file_is_a_new_journal(path: Path) -> None:
    path.write_bytes(b'')
    with Journal(path, SETTINGS) as journal:
        assert journal.counts == {}


def test_removing_it_leaves_nothing(path: Path) -> None:
    Journal(path, SETTINGS).remove()
    assert list(path.parent.iterdir()) == []


def other_database(path: Path) -> None:
    path.unlink()
    database = sqlite3.connect(path)
    with database:
        database.execute('CREATE TABLE notes (text)')
    database.close()


def older_format(path: Path) -> None:
    path.write_bytes(b'mmdet_ohem proposals 1\n' + bytes(2000))


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def text(path: Path) -> None:
    path.write_text('my notes')


@pytest.mark.parametrize(
    'spoil', [other_database, older_format, cut_off, text]
)
def test_what_is_no_journal_is_an_error_and_stays(
    path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match='is in the way') as error:
        Journal(path, SETTINGS)
    assert str(path) in str(error.value)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_second_process_is_told_of_the_first(path: Path) -> None:
    told = pytest.raises(ValueError, match='no other process makes')
    with Journal(path, SETTINGS), told:
        Journal(path, SETTINGS)
    Journal(path, SETTINGS).remove()


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(tmp_path)):
        Journal(tmp_path, SETTINGS)


def test_nothing_stays_of_a_process_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / 'o.pkl.partial'
    with Journal(path, SETTINGS) as journal:
        journal.add('1', found(0, num=1))
    # As SQLite leaves it where it cannot end its last step.
    rollback = tmp_path / 'o.pkl.partial-journal'
    rollback.write_bytes(bytes(512))
    with Journal(path, SETTINGS) as journal:
        assert list(journal.counts) == ['1']
        journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_rollback_without_its_file_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / 'o.pkl.partial'
    rollback = tmp_path / 'o.pkl.partial-journal'
    with Journal(path, SETTINGS) as journal:
        journal.add('1', found(0, num=1))
    # A hot one would be played back into the new file.
    rollback.write_bytes(bytes.fromhex('d9d505f920a163d7') + bytes(504))
    path.unlink()
    with Journal(path, SETTINGS) as journal:
        assert journal.counts == {}
        journal.add('2', found(0, num=2))
    with Journal(path, SETTINGS) as journal:
        assert list(journal.counts) == ['2']
