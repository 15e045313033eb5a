"""Datasets read stores when they are asked for an image, wherever they are."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mmdet.registry import DATASETS
from mmengine.dataset import pseudo_collate
from scipy.io import savemat
from torch.utils.data import DataLoader

from mmdet_ohem.proposals import (
    ProposalStore,
    VOCProposalDataset,
    box_checks,
    load_proposals,
    save_proposals,
)
from tests.proposals.test_voc_proposal_dataset import (
    CAT,
    DOG,
    PKL,
    TRAIN_PIPELINE,
    load,
    two,
)
from tests.voc_folder import Picture, write_voc

STORE = 'proposals/both.safetensors'
PIPELINE: list[dict] = copy.deepcopy(TRAIN_PIPELINE)  # type: ignore
PIPELINE[1]['type'] = 'mmdet_ohem.LoadProposals'
SIZES = {f'JPEGImages/{x}.jpg': (100, 80) for x in 'abcde'}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five images, the last one without objects, and a store of seven."""
    pictures = {x: Picture([DOG, CAT]) for x in 'abcd'}
    pictures['e'] = Picture([], proposals=[CAT.box])
    root = write_voc(tmp_path / 'a folder', pictures)
    entries = load_proposals(root / PKL)
    for number, entry in enumerate(entries.values()):
        entry['bboxes'][0, :2] += number
    entries |= {
        f'JPEGImages/{x}.jpg': entries['JPEGImages/a.jpg'] for x in 'yz'
    }
    save_proposals(root / STORE, entries, {}, SIZES)
    (root / PKL).unlink()
    return root


def config(root: Path, **keys: Any) -> dict[str, Any]:
    return dict(
        type='mmdet_ohem.VOCProposalDataset',
        data_root=str(root),
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file=STORE,
        pipeline=PIPELINE,
        **keys,
    )


def first_corners(dataset: Any) -> list[float]:
    """x1 of the first proposal of each image: its number and the dog's."""
    return [
        float(dataset[i]['data_samples'].proposals.bboxes[0, 0]) / 1.28 - 10
        for i in range(len(dataset))
    ]


def test_a_store_may_hold_more_images_than_the_dataset(root: Path) -> None:
    dataset = load(root, proposal_file=STORE, pipeline=PIPELINE)
    assert first_corners(dataset)[:4] == pytest.approx([0, 1, 2, 3], abs=1e-4)
    info = dataset.get_data_info(4)
    assert info['proposals']['bboxes'].tolist() == [[4, 4, 100, 80]]


def test_nothing_is_read_that_need_not_be(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    read = ProposalStore.read

    def noted(store: ProposalStore, row: int) -> Any:
        rows.append(row)
        return read(store, row)

    monkeypatch.setattr(ProposalStore, 'read', noted)
    monkeypatch.setattr(
        'mmdet_ohem.proposals.join_proposals._NUM_FOR_LAYOUT', 1
    )
    dataset = load(root, proposal_file=STORE, pipeline=PIPELINE)
    assert len(rows) == 1  # one image tells the layout
    assert [dataset.get_cat_ids(i) for i in (0, 4)] == [[11, 7], []]
    assert len(rows) == 1
    dataset[2]
    assert rows[1:] == [2]


@pytest.mark.parametrize(
    ('wrap', 'expected'),
    [
        (lambda x: dict(x, indices=[3, 1]), [3, 1]),
        (lambda x: dict(x, indices=2), [0, 1]),
        (lambda x: dict(type='RepeatDataset', times=2, dataset=x), [0, 1] * 2),
        (lambda x: dict(type='ConcatDataset', datasets=[x, x]), [0, 1] * 2),
        (
            lambda x: dict(
                type='ClassBalancedDataset', oversample_thr=1e-3, dataset=x
            ),
            [0, 1],
        ),
    ],
)
def test_inside_of_wrappers_and_subsets(
    root: Path, wrap: Any, expected: list[int]
) -> None:
    inner = config(root, filter_cfg=dict(filter_empty_gt=True))
    wrapped = wrap(inner)
    if 'indices' not in wrapped:
        inner['indices'] = 2
    dataset = DATASETS.build(wrapped)
    assert first_corners(dataset) == pytest.approx(expected, abs=1e-4)


def test_images_without_objects_are_filtered_with_their_boxes(
    root: Path,
) -> None:
    dataset = DATASETS.build(
        config(root, filter_cfg=dict(filter_empty_gt=True))
    )
    assert len(dataset) == 4
    subset = dataset.get_subset([3, 2])
    assert first_corners(subset) == pytest.approx([3, 2], abs=1e-4)


@pytest.mark.parametrize(
    'method', ['fork', pytest.param('spawn', marks=pytest.mark.slow)]
)
def test_workers_of_any_kind_read_it(root: Path, method: str) -> None:
    dataset = DATASETS.build(config(root, indices=[3, 0, 1]))
    loader = DataLoader(
        dataset,
        num_workers=2,
        multiprocessing_context=method,
        collate_fn=pseudo_collate,
    )
    found = [
        float(batch['data_samples'][0].proposals.bboxes[0, 0]) / 1.28 - 10
        for batch in loader
    ]
    assert found == pytest.approx([3, 0, 1], abs=1e-4)


def test_what_is_sent_to_a_spawned_worker_holds_no_boxes(
    root: Path,
) -> None:
    entries = load_proposals(root / STORE)
    entries['JPEGImages/a.jpg']['bboxes'] = np.tile(
        np.array([[1, 2, 30, 40]], np.float32), (50000, 1)
    )
    entries['JPEGImages/a.jpg']['scores'] = np.zeros(50000, np.float32)
    save_proposals(root / STORE, entries, {}, SIZES)
    dataset = DATASETS.build(config(root))
    sent = pickle.dumps(dataset)
    assert len(sent) < 50000
    assert len(pickle.loads(sent).get_data_info(0)['proposals']['bboxes']) == (
        50000
    )


def test_boxes_that_a_store_is_not_sure_of_are_clipped_and_counted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        box_checks, 'print_log', lambda text, **_: messages.append(text)
    )
    entries = load_proposals(root / STORE)
    bad = np.array(
        [[-5, 3, 120, 90], [5, 5, 5, 9], [1, 2, 30, 40]], np.float32
    )
    entries['JPEGImages/b.jpg'] = dict(
        bboxes=bad, scores=np.array([0.5, 0.25, 0.75], np.float32)
    )
    save_proposals(root / STORE, entries, {}, SIZES)
    info = load(root, proposal_file=STORE).get_data_info(1)
    assert info['proposals']['bboxes'].tolist() == [
        [0, 3, 100, 80],
        [1, 2, 30, 40],
    ]
    assert info['proposals']['scores'].tolist() == [0.5, 0.75]
    assert any('clipped 1 box in 1 image' in x for x in messages)
    assert any('left out 1 box' in x for x in messages)


def test_a_file_of_another_kind_takes_the_place_of_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_voc(tmp_path, two())
    messages: list[str] = []
    monkeypatch.setattr(
        'mmdet_ohem.proposals.join_proposals.print_log',
        lambda text, **_: messages.append(text),
    )
    name = PKL.replace('.pkl', '.safetensors')
    dataset = load(root, proposal_file=name)
    assert len(dataset.get_data_info(0)['proposals']['bboxes']) == 1
    assert len(messages) == 1
    assert 'mmdet-ohem proposals convert' in messages[0]
    assert str(root / PKL) in messages[0]


def write_mat(path: Path, *boxes: list[list[int]]) -> None:
    """As the authors': y1, x1, y2, x2 from 1."""
    cells = np.empty((1, len(boxes)), dtype=object)
    for column, rows in enumerate(boxes):
        cells[0, column] = np.array(rows)
    savemat(path, {'boxes': cells})


def test_a_dataset_reads_the_authors_file(tmp_path: Path) -> None:
    root = write_voc(tmp_path, two())
    write_mat(
        root / 'a.mat', [[21, 11, 60, 40]], [[1, 1, 80, 100], [3, 2, 3, 2]]
    )
    dataset: VOCProposalDataset = load(root, proposal_file='a.mat')
    found = [dataset.get_data_info(i)['proposals']['bboxes'] for i in (0, 1)]
    assert found[0].tolist() == [list(DOG.box)]
    assert found[1].tolist() == [list(CAT.box), [1, 2, 2, 3]]
    write_mat(root / 'a.mat', [[21, 11, 60, 40]])
    with pytest.raises(ValueError, match='boxes of 1 image, the image list'):
        load(root, proposal_file='a.mat')


def test_a_damaged_slice_names_image_and_file(root: Path) -> None:
    dataset = DATASETS.build(config(root))
    path = root / STORE
    data = bytearray(path.read_bytes())
    at = data.index(np.array([12, 22, 40, 60], np.uint16).tobytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match='another checksum') as error:
        dataset[2]
    assert 'c.jpg' in str(error.value)
    assert str(path) in str(error.value)
