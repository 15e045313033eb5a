"""RoIs that pool the same cells are scored once, and lose nothing by it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mmdet_ohem import ReadOnlyBBoxHead
from mmdet_ohem.mining.distinct_rois import distinct_rois
from tests.tiny import (
    IMG_SIZE,
    STRIDE,
    cascade_roi_head,
    features,
    standard_roi_head,
)


def crowded_rois(num: int = 300) -> Tensor:
    """Few cells apart, so that many round to the same."""
    corners = (torch.rand(num, 2, 2) * IMG_SIZE / 2).sort(1).values
    return torch.cat([torch.zeros(num, 1), corners.view(num, 4)], 1)


def in_cells(rois: Tensor) -> list[tuple[int, ...]]:
    # The last pixels are one before the edges. No corner of these lies
    # half-way between two cells.
    last = rois - torch.tensor([0, 0, 0, 1, 1])
    return [tuple(round(x / STRIDE) for x in roi[1:]) for roi in last.tolist()]


def test_each_set_of_cells_stands_once_and_each_roi_finds_its_own() -> None:
    rois = crowded_rois()
    distinct, equals = distinct_rois(standard_roi_head(), rois)
    assert equals is not None
    cells = in_cells(distinct)
    assert sorted(cells) == sorted(set(in_cells(rois)))
    assert [cells[i] for i in equals.tolist()] == in_cells(rois)


def test_rois_of_two_images_are_two() -> None:
    rois = crowded_rois(1).repeat(4, 1)
    rois[2:, 0] = 1
    distinct, equals = distinct_rois(standard_roi_head(), rois)
    assert distinct[:, 0].tolist() == [0, 1]
    assert equals is not None
    assert equals.tolist() == [0, 0, 1, 1]


def align_head() -> Any:
    roi_head = standard_roi_head()
    roi_head.bbox_roi_extractor = torch.nn.Identity()
    return roi_head


def cascade() -> Any:
    return cascade_roi_head(
        dict(type='RandomSampler', num=4, pos_fraction=0.5)
    )


@pytest.mark.parametrize('roi_head', [align_head, cascade])
def test_all_are_distinct_where_nothing_is_known(
    roi_head: Callable[[], Any],
) -> None:
    rois = crowded_rois()
    distinct, equals = distinct_rois(roi_head(), rois)
    assert distinct is rois
    assert equals is None


def test_no_roi() -> None:
    distinct, equals = distinct_rois(standard_roi_head(), crowded_rois(0))
    assert distinct.shape == (0, 5)
    assert equals is None


def count_pooled(roi_head: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counts = []
    extractor = roi_head.bbox_roi_extractor
    forward = extractor.forward

    def counted(feats: Any, rois: Tensor) -> Tensor:
        counts.append(len(rois))
        return forward(feats, rois)

    monkeypatch.setattr(extractor, 'forward', counted)
    return counts


@pytest.mark.parametrize('chunk_size', [None, 32])
def test_predictions_are_those_of_scoring_every_roi(
    chunk_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    roi_head, feats, rois = standard_roi_head(), features(), crowded_rois()
    readonly = ReadOnlyBBoxHead(
        roi_head, chunk_size=chunk_size, dtype='float32'
    )
    counts = count_pooled(roi_head, monkeypatch)
    with torch.no_grad():
        found = readonly.predict(feats, rois)
        direct = roi_head._bbox_forward(feats, rois)
    assert sum(counts[:-1]) == len(set(in_cells(rois))) < len(rois)
    expected = (direct['cls_score'], direct['bbox_pred'])
    torch.testing.assert_close(found, expected)


def test_with_dropout_each_roi_has_a_mask_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roi_head, rois = standard_roi_head(), crowded_rois()
    readonly = ReadOnlyBBoxHead(roi_head, dtype='float32', dropout=True)
    counts = count_pooled(roi_head, monkeypatch)
    with torch.no_grad():
        readonly.predict(features(), rois)
    assert counts == [len(rois)]
