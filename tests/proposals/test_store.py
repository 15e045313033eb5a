"""The proposal store: what is kept, and which files are refused."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from mmdet_ohem.proposals import ProposalStore
from mmdet_ohem.proposals.proposal_file import (
    load_made_with,
    load_proposals,
    make_entry,
    read_proposal_file,
    save_proposals,
)
from mmdet_ohem.proposals.store_format import index_checksum
from mmdet_ohem.proposals.store_writer import write_store

BOXES = np.array([[0, 0, 9, 4], [3, 2, 5, 7]], np.float32)
ENTRIES = {
    'JPEGImages/b.jpg': make_entry(BOXES),
    'JPEGImages/a.jpg': make_entry(BOXES[:0]),
    'JPEGImages/aa.png': make_entry(BOXES[1:]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with two images that have boxes and one that has none."""
    path = tmp_path / 'a folder' / 'a.safetensors'
    write_store(path, ENTRIES, {'mode': 'fast'}, {'JPEGImages/b.jpg': (9, 7)})
    return path


def test_images_keep_their_order_boxes_and_settings(path: Path) -> None:
    store = ProposalStore(path)
    assert list(store) == list(ENTRIES)
    assert store['JPEGImages/b.jpg']['bboxes'].tolist() == BOXES.tolist()
    assert store['JPEGImages/a.jpg']['bboxes'].shape == (0, 4)
    assert store['JPEGImages/aa.png']['scores'].tolist() == [0]
    assert load_made_with(path) == {'mode': 'fast'}


@pytest.mark.parametrize(
    'key', ['', 'JPEGImages/c.jpg', 'JPEGImages/b.jp', 'JPEGImages/b.jpgg', 5]
)
def test_other_images_are_not_in_it(path: Path, key: object) -> None:
    store = ProposalStore(path)
    assert key not in store
    with pytest.raises(KeyError):
        store[key]  # type: ignore[index]


def test_boxes_inside_of_a_known_image_need_no_second_look(
    path: Path,
) -> None:
    store = ProposalStore(path)
    assert store.is_usable(0, (9, 7))
    assert not store.is_usable(0, (9, 6))  # the image is another one now
    assert not store.is_usable(2, (9, 7))  # nobody knows its size
    write_store(path, ENTRIES, {}, {'JPEGImages/b.jpg': (8, 7)})
    assert not ProposalStore(path).is_usable(0, (8, 7))


def test_any_program_that_knows_safetensors_reads_it(path: Path) -> None:
    arrays = load_file(path)
    assert arrays['boxes'].tolist() == [*BOXES.tolist(), BOXES[1].tolist()]
    assert arrays['offsets'].tolist() == [0, 2, 2, 3]
    assert arrays['sizes'].tolist() == [[9, 7], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        (65535, 'uint16'),
        (65536, 'float32'),
        (-1, 'int16'),
        (0.5, 'float32'),
        (-32769, 'float32'),
    ],
)
def test_numbers_have_the_smallest_exact_type(
    tmp_path: Path, value: float, expected: str
) -> None:
    path = tmp_path / 'a.safetensors'
    boxes = np.array([[0, 0, 7, value]], np.float32)
    write_store(path, {'a': make_entry(boxes)})
    assert load_file(path)['boxes'].dtype == expected
    assert ProposalStore(path)['a']['bboxes'].tolist() == boxes.tolist()


def test_an_empty_store_is_one(tmp_path: Path) -> None:
    write_store(tmp_path / 'a.safetensors', {})
    store = ProposalStore(tmp_path / 'a.safetensors')
    assert list(store) == []
    assert 'a' not in store


NUMBERS = st.floats(-1e6, 1e6, width=32) | st.integers(-40000, 70000)
KEYS = st.text(
    st.characters(exclude_characters='\0', exclude_categories=['Cs']),
    min_size=1,
)


@st.composite
def proposals(draw: st.DrawFn) -> dict[str, dict[str, np.ndarray]]:
    keys = draw(st.lists(KEYS, unique=True, max_size=4))
    entries = {}
    for key in keys:
        num = draw(st.integers(0, 3))
        bboxes = draw(arrays(np.float32, (num, 4), elements=NUMBERS))
        scores = draw(
            arrays(np.float32, num, elements=st.floats(0, 1, width=32))
            | st.just(np.zeros(num, np.float32))
        )
        entries[key] = {'bboxes': bboxes, 'scores': scores}
    return entries


@given(entries=proposals())
@settings(max_examples=60, deadline=None)
def test_a_store_and_a_pickle_keep_every_box(
    tmp_path_factory: pytest.TempPathFactory,
    entries: dict[str, dict[str, np.ndarray]],
) -> None:
    folder = tmp_path_factory.mktemp('round')
    files = [folder / x for x in ('a.safetensors', 'b.pkl', 'c.safetensors')]
    for source, file in zip([None, *files[:2]], files, strict=True):
        save_proposals(file, load_proposals(source) if source else entries)
    found = load_proposals(files[-1])
    assert list(found) == list(entries)
    for key, entry in entries.items():
        for name, values in entry.items():
            np.testing.assert_array_equal(found[key][name], values)


def test_no_proposals_are_written_that_are_not_finite(path: Path) -> None:
    before = path.read_bytes()
    for bad in (np.nan, np.inf):
        entry = make_entry(np.full((1, 4), bad))
        with pytest.raises(ValueError, match="'k' are not finite"):
            write_store(path, {'k': entry})
    assert path.read_bytes() == before


def changed(path: Path, **new: np.ndarray) -> None:
    """Write other arrays under a head that agrees with them."""
    with safe_open(path, 'np') as file:
        metadata = file.metadata()
    found = load_file(path) | new
    metadata['checksum'] = index_checksum(found, metadata)
    save_file(found, path, metadata)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def as_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(ENTRIES))


def foreign(path: Path) -> None:
    save_file({'weight': BOXES}, path)


INT64 = {'offsets': lambda *x: np.array(x, np.int64)}


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (cut, 'Metadata|incomplete|not covered|bounds|size'),
        (lambda path: path.write_bytes(b''), 'eader'),
        (as_pickle, 'it is a pickle, of which nothing was run'),
        (foreign, 'its format is None'),
        (lambda path: flip(path, -1), 'another checksum'),
        (
            lambda path: changed(path, offsets=INT64['offsets'](0, 2, 2, 9)),
            'offsets end at 9',
        ),
        (
            lambda path: changed(path, offsets=INT64['offsets'](0, 7, 2, 3)),
            'offsets are out of range',
        ),
        (
            lambda path: changed(path, offsets=INT64['offsets'](-5, 2, 2, 3)),
            'offsets are out of range',
        ),
        (
            lambda path: changed(path, order=np.array([1, 2, 7], np.int32)),
            'order is out of range',
        ),
        (
            lambda path: changed(path, order=np.array([2, 1, 0], np.int32)),
            'not in the order',
        ),
        (
            lambda path: changed(path, boxes=BOXES),
            r'boxes are of shape \[2, 4\]',
        ),
    ],
)
def test_what_is_no_store_is_refused_by_name(
    path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(path)
    with pytest.raises(ValueError, match=message) as error:
        read_proposal_file(path)
    assert str(path) in str(error.value)
    assert 'Remedy: make it again' in str(error.value)


def test_any_flipped_bit_is_found(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        flip(path, at)
        with pytest.raises(ValueError, match='proposal file'):
            dict(ProposalStore(path))
        path.write_bytes(whole)


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.safetensors does not'):
        ProposalStore(tmp_path / 'no.safetensors')


def test_a_file_that_was_cut_while_it_is_read_is_an_error(
    path: Path,
) -> None:
    store = ProposalStore(path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(ValueError, match='another size') as error:
        store['JPEGImages/b.jpg']
    assert str(path) in str(error.value)


def test_it_goes_to_other_processes_as_a_path(path: Path) -> None:
    store = ProposalStore(path)
    sent = pickle.dumps(store)
    assert len(sent) < 500
    found = pickle.loads(sent)['JPEGImages/b.jpg']
    assert found['bboxes'].tolist() == BOXES.tolist()
    write_store(path, {'another': make_entry(BOXES)})
    with pytest.raises(ValueError, match='was replaced'):
        pickle.loads(sent)


def test_inclusive_corners_of_another_writer_become_edges(
    path: Path,
) -> None:
    with safe_open(path, 'np') as file:
        metadata = file.metadata() | {'corners': 'inclusive'}
    found = load_file(path)
    metadata['checksum'] = index_checksum(found, metadata)
    save_file(found, path, metadata)
    boxes = ProposalStore(path)['JPEGImages/b.jpg']['bboxes']
    assert boxes.tolist() == [[0, 0, 10, 5], [3, 2, 6, 8]]
    with pytest.raises(ValueError, match="'edges' was asked"):
        read_proposal_file(path, 'edges')
