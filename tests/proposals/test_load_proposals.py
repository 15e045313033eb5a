"""What is trained on of an image's proposals."""

from typing import Any

import numpy as np
import pytest
from mmdet.registry import TRANSFORMS

from mmdet_ohem.proposals import LoadProposals

BOXES = np.array(
    [
        [0, 0, 9, 9],
        [1, 1, 3, 9],  # 2 pixels wide
        [0, 0, 9, 9],
        [2, 2, 9, 5],  # 3 pixels high
        [5, 5, 8, 9],  # 3 x 4
    ],
    np.float32,
)
SCORES = np.array([0.1, 0.9, 0.8, 0.7, 0.1], np.float32)


def rows(**settings: Any) -> list[int]:
    """Which boxes are kept, by their scores of 0, 1, ... for each."""
    entry = {'bboxes': BOXES, 'scores': np.arange(5, dtype=np.float32)}
    found = LoadProposals(**settings)(dict(proposals=entry))
    kept = found['proposals_scores'].astype(int).tolist()
    assert found['proposals'].tolist() == BOXES[kept].tolist()
    return kept


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        ({}, [0, 4]),
        (dict(drop_duplicates=False), [0, 2, 4]),
        (dict(min_size=(0, 0)), [0, 1, 3, 4]),
        (dict(min_size=(0, 0), drop_duplicates=False), [0, 1, 2, 3, 4]),
        (dict(min_size=(3, 3)), [0, 3, 4]),
        (dict(num_max_proposals=1), [0]),
        (dict(order='scores'), [4, 0]),
        (dict(order='scores', num_max_proposals=1), [4]),
    ],
)
def test_which_boxes_are_kept(settings: dict, expected: list[int]) -> None:
    assert rows(**settings) == expected


def test_equal_scores_keep_the_order_of_the_file() -> None:
    entry = {'bboxes': BOXES, 'scores': SCORES}
    found = LoadProposals(order='scores')(dict(proposals=entry))
    assert found['proposals'].tolist() == BOXES[[0, 4]].tolist()


def test_no_scores_are_zeros_and_no_boxes_are_fine() -> None:
    for boxes in (BOXES, BOXES[:0]):
        found = LoadProposals()(dict(proposals={'bboxes': boxes}))
        assert found['proposals'].shape[1] == 4
        assert not found['proposals_scores'].any()
        assert found['proposals'].dtype == np.float32


def test_it_does_as_the_authors_code_does() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 8, (300, 2, 2))
    inclusive = np.sort(corners, 1).reshape(-1, 4)
    # utils/blob.py: hash of the corners, first of each, then sizes.
    hashes = inclusive @ [1, 1e3, 1e6, 1e9]
    _, first = np.unique(hashes, return_index=True)
    kept = inclusive[np.sort(first)]
    wide, high = kept[:, 2] - kept[:, 0], kept[:, 3] - kept[:, 1]
    kept = kept[(wide >= 2) & (high > 2)]
    one_more = np.array([0, 0, 1, 1])
    edges = (inclusive + one_more).astype(np.float32)
    found = LoadProposals()(dict(proposals={'bboxes': edges}))
    assert found['proposals'].tolist() == (kept + one_more).tolist()


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(order='size'), "order is 'size'"),
        (dict(num_max_proposals=0), 'num_max_proposals is 0'),
        (dict(min_size=(1, 2, 3)), 'min_size is'),
    ],
)
def test_bad_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoadProposals(**settings)


def test_mmdets_own_transform_keeps_its_name() -> None:
    stock = TRANSFORMS.build(dict(type='LoadProposals'))
    assert type(stock).__module__.startswith('mmdet.')
    ours = TRANSFORMS.build(dict(type='mmdet_ohem.LoadProposals'))
    assert isinstance(ours, LoadProposals)
    with pytest.raises(KeyError, match='proposal_file in the dataset'):
        ours({})
