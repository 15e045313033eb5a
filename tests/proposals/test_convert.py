"""From a kind of proposal file to another and back."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mmengine.structures import InstanceData
from scipy.io import loadmat, savemat

from mmdet_ohem.proposals import ProposalStore
from mmdet_ohem.proposals.convert import convert_file
from mmdet_ohem.proposals.proposal_file import (
    load_made_with,
    load_proposals,
    save_proposals,
)
from tests.safety.attack import Attack

BOXES = np.array([[0, 0, 9, 4], [3, 2, 5, 7]], np.float32)
SCORES = np.array([0.5, 0.25], np.float32)
IMAGES = {x: Path(f'/data/JPEGImages/{x}.jpg') for x in 'ba'}
KEYS = ['JPEGImages/b.jpg', 'JPEGImages/a.jpg']


def test_the_kinds_keep_boxes_scores_order_and_settings(
    tmp_path: Path,
) -> None:
    entries = {key: dict(bboxes=BOXES, scores=SCORES) for key in KEYS}
    save_proposals(tmp_path / 'a.pkl', entries, {'mode': 'fast'})
    convert_file(tmp_path / 'a.pkl', tmp_path / 'b.safetensors')
    convert_file(tmp_path / 'b.safetensors', tmp_path / 'c.pkl')
    assert load_made_with(tmp_path / 'c.pkl') == {'mode': 'fast'}
    found = load_proposals(tmp_path / 'c.pkl')
    assert list(found) == KEYS
    assert found[KEYS[1]]['scores'].tolist() == SCORES.tolist()
    assert found[KEYS[1]]['bboxes'].tolist() == BOXES.tolist()


NUMBERS = st.integers(0, 3000) | st.floats(0, 3000, width=32)


@st.composite
def mat_boxes(draw: st.DrawFn) -> list[np.ndarray]:
    """Boxes as the authors': y1, x1, y2, x2 from 1, the last pixels too."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        num = draw(st.integers(0, 4))
        kind = draw(st.sampled_from([np.uint16, np.float32, np.float64]))
        top = draw(arrays(np.float32, (num, 2), elements=NUMBERS))
        size = draw(arrays(np.float32, (num, 2), elements=NUMBERS))
        found.append((np.concatenate([top, top + size], 1) + 1).astype(kind))
    return found


@given(boxes=mat_boxes())
@settings(max_examples=40, deadline=None)
def test_a_mat_keeps_every_box(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[np.ndarray]
) -> None:
    folder = tmp_path_factory.mktemp('mat')
    cells = np.empty((1, len(boxes)), dtype=object)
    cells[0, :] = boxes
    savemat(folder / 'a.mat', {'boxes': cells})
    images = {f'{i}': Path(f'/x/J/{i}.jpg') for i in range(len(boxes))}
    convert_file(folder / 'a.mat', folder / 'b.safetensors', images)
    store = ProposalStore(folder / 'b.safetensors')
    for number, raw in enumerate(boxes):
        y1, x1, y2, x2 = raw.astype(np.float64).T
        expected = np.stack([x1 - 1, y1 - 1, x2, y2], 1).astype(np.float32)
        found = store[f'J/{number}.jpg']['bboxes']
        np.testing.assert_array_equal(found, expected)


def test_a_store_becomes_a_mat_as_caffe_reads_it(tmp_path: Path) -> None:
    entries = {key: dict(bboxes=BOXES, scores=SCORES) for key in KEYS}
    save_proposals(tmp_path / 'a.safetensors', entries)
    convert_file(tmp_path / 'a.safetensors', tmp_path / 'b.mat')
    content = loadmat(tmp_path / 'b.mat')
    assert content['boxes'].ravel()[0].tolist() == [
        [1, 1, 4, 9],
        [3, 4, 7, 5],
    ]
    assert [x.item() for x in content['images'].ravel()] == ['b', 'a']
    convert_file(tmp_path / 'b.mat', tmp_path / 'c.safetensors', IMAGES)
    found = ProposalStore(tmp_path / 'c.safetensors')
    assert list(found) == KEYS
    assert found[KEYS[0]]['bboxes'].tolist() == BOXES.tolist()
    # In the order of another list.
    backwards = dict(reversed(IMAGES.items()))
    convert_file(tmp_path / 'a.safetensors', tmp_path / 'd.mat', backwards)
    names = loadmat(tmp_path / 'd.mat')['images'].ravel()
    assert [x.item() for x in names] == ['a', 'b']


def test_mmdets_own_dump_becomes_a_store(tmp_path: Path) -> None:
    found = InstanceData(bboxes=torch.tensor(BOXES), scores=SCORES)
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({KEYS[0]: found}))
    convert_file(tmp_path / 'a.pkl', tmp_path / 'b.safetensors')
    entry = ProposalStore(tmp_path / 'b.safetensors')[KEYS[0]]
    assert entry['bboxes'].tolist() == BOXES.tolist()
    assert entry['scores'].tolist() == SCORES.tolist()


@pytest.mark.parametrize('corners', [None, 'edges', 'inclusive'])
def test_corners_of_another_program_are_told_or_taken_for_edges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corners: str | None
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        'mmdet_ohem.proposals.convert.print_log',
        lambda text, **_: messages.append(text),
    )
    path, out = tmp_path / 'a.pkl', tmp_path / 'b.safetensors'
    path.write_bytes(pickle.dumps({KEYS[0]: dict(bboxes=BOXES)}))
    convert_file(path, out, corners=corners)
    more = int(corners == 'inclusive')
    found = ProposalStore(out)[KEYS[0]]['bboxes']
    assert found[0].tolist() == [0, 0, 9 + more, 4 + more]
    assert len(messages) == (corners is None)


def test_a_pickle_that_would_run_code_has_to_be_trusted(
    tmp_path: Path,
) -> None:
    mark, path = tmp_path / 'mark', tmp_path / 'a.pkl'
    content = {KEYS[0]: dict(bboxes=BOXES, note=Attack(mark))}
    path.write_bytes(pickle.dumps(content))
    out = tmp_path / 'b.safetensors'
    with pytest.raises(ValueError, match='--trusted') as error:
        convert_file(path, out)
    assert str(path) in str(error.value)
    assert not mark.exists()
    assert not out.exists()
    convert_file(path, out, trusted=True)
    assert mark.exists()
    assert ProposalStore(out)[KEYS[0]]['bboxes'].tolist() == BOXES.tolist()


def test_a_pickle_is_no_mat(tmp_path: Path) -> None:
    mark, path = tmp_path / 'mark', tmp_path / 'a.mat'
    path.write_bytes(pickle.dumps(Attack(mark)))
    with pytest.raises(ValueError, match=r'a\.mat: not a readable'):
        convert_file(path, tmp_path / 'b.safetensors', IMAGES, trusted=True)
    assert not mark.exists()


@pytest.mark.parametrize(
    ('source', 'out', 'message'),
    [
        ('a.pkl', 'b.npz', "ends in '.npz'"),
        ('a.pkl', 'a.pkl', 'is there already'),
        ('a.mat', 'b.pkl', 'does not name its images.*--image-list'),
        ('no.pkl', 'b.mat', r'no\.pkl does not exist'),
    ],
)
def test_what_cannot_be_converted_is_said(
    tmp_path: Path, source: str, out: str, message: str
) -> None:
    save_proposals(tmp_path / 'a.pkl', {})
    with pytest.raises((ValueError, OSError), match=message):
        convert_file(tmp_path / source, tmp_path / out)


def test_a_list_of_other_images_is_an_error(tmp_path: Path) -> None:
    save_proposals(tmp_path / 'a.pkl', {KEYS[0]: dict(bboxes=BOXES)})
    with pytest.raises(ValueError, match=r"no boxes for 1 of 2.*a\.jpg'"):
        convert_file(tmp_path / 'a.pkl', tmp_path / 'b.mat', IMAGES)
