"""Several regions of each RoI: each as if it were alone."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mmdet_ohem.detector import (
    RegionExtractor,
    RoIPoolExtractor,
    ring_pool,
    roi_pool,
)
from mmdet_ohem.detector.regions import MR_CNN_REGIONS, parse_region
from tests.detector.test_roi_pool import (
    SCALE,
    STRIDE,
    anywhere,
    inside,
    make_feats,
    make_rois,
)

KEYS: dict[str, Any] = dict(
    output_size=7, out_channels=3, featmap_stride=STRIDE, pixel=1.5
)


def edges(num: int = 24) -> Tensor:
    return make_rois(anywhere, num) + torch.tensor([0, 0, 0, 1.5, 1.5])


def last_pixels(rois: Tensor) -> Tensor:
    return rois - torch.tensor([0, 0, 0, 1.5, 1.5])


def test_the_first_region_is_fast_rcnns_to_the_last_bit() -> None:
    feats, rois = make_feats(), edges()
    pooled = RegionExtractor(**KEYS)([feats], rois).pool(0)
    assert torch.equal(pooled, RoIPoolExtractor(**KEYS)([feats], rois))


@pytest.mark.parametrize('index', range(10))
def test_each_region_is_pooled_as_its_boxes_are(index: int) -> None:
    feats, rois = make_feats(), edges()
    region = parse_region(MR_CNN_REGIONS[index])
    outer = last_pixels(region.rois(rois))
    if region.has_hole:
        holes = last_pixels(region.holes(rois))
        expected = ring_pool(feats, outer, holes, (7, 7), SCALE)
    else:
        expected = roi_pool(feats, outer, (7, 7), SCALE)
    found = RegionExtractor(**KEYS)([feats], rois).pool(index)
    assert torch.equal(found, expected)


def test_boxes_are_relocated_by_a_region_of_their_own() -> None:
    feats, rois = make_feats(), edges()
    pooled = RegionExtractor(**KEYS)([feats], rois)
    assert pooled.kinds == (10, True, False)
    outer = last_pixels(parse_region((0, 1.3)).rois(rois))
    expected = roi_pool(feats, outer, (7, 7), SCALE)
    assert torch.equal(pooled.pool_box(), expected)
    with pytest.raises(ValueError, match='no semantic branch'):
        pooled.pool_semantic()
    without = RegionExtractor(box_region=None, **KEYS)([feats], rois)
    with pytest.raises(ValueError, match='no region for box regression'):
        without.pool_box()


def test_the_semantic_region_reads_the_second_level() -> None:
    feats, rois = make_feats().requires_grad_(), edges()
    semantic = make_feats().requires_grad_()
    extractor = RegionExtractor(semantic_region=(0, 1.5), **KEYS)
    assert extractor.num_inputs == 2
    pooled = extractor([feats, semantic], rois).pool_semantic()
    outer = last_pixels(parse_region((0, 1.5)).rois(rois))
    assert torch.equal(pooled, roi_pool(semantic, outer, (9, 9), SCALE))
    # It is trained by its own loss.
    assert not pooled.requires_grad


@pytest.mark.parametrize('given', [1, 3])
def test_a_missing_level_is_named(given: int) -> None:
    extractor = RegionExtractor(semantic_region=(0, 1.5), **KEYS)
    with pytest.raises(TypeError, match='ForegroundNeck'):
        extractor([make_feats()] * given, edges())


@pytest.mark.parametrize('regions', [[], 'left', [(0, 1), 'middle']])
def test_regions_are_looked_at(regions: object) -> None:
    with pytest.raises(ValueError, match=r'region'):
        RegionExtractor(regions=regions, **KEYS)  # type: ignore[arg-type]


def test_no_roi_has_no_pooled_regions() -> None:
    pooled = RegionExtractor(**KEYS)([make_feats()], torch.zeros(0, 5))
    assert all(pooled.pool(i).shape == (0, 3, 7, 7) for i in range(10))


@pytest.mark.parametrize('semantic', [None, (0, 1.5)])
def test_rois_with_equal_cells_pool_the_same_in_every_region(
    semantic: Any,
) -> None:
    extractor = RegionExtractor(semantic_region=semantic, **KEYS)
    feats = [make_feats()] * extractor.num_inputs
    rois = make_rois(inside, 60)
    # Some are moved by so little that few cells change.
    near = rois + torch.rand(60, 1) * torch.tensor([0, 2.0, 2, 2, 2])
    cells, moved = extractor.rounded(rois), extractor.rounded(near)
    same = (cells == moved).all(1)
    assert 0 < same.sum() < 60
    first, second = extractor(feats, rois), extractor(feats, near)
    pools = [
        *((first.pool(i), second.pool(i)) for i in range(10)),
        (first.pool_box(), second.pool_box()),
    ]
    if semantic is not None:
        pools.append((first.pool_semantic(), second.pool_semantic()))
    for one, other in pools:
        assert torch.equal(one[same], other[same])
    # Cells of the RoI alone would not be enough.
    alone = (RoIPoolExtractor(**KEYS).rounded(rois)
             == RoIPoolExtractor(**KEYS).rounded(near)).all(1)  # fmt: skip
    assert alone.sum() > same.sum()


def test_only_one_region_is_pooled_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = []
    pool = RegionExtractor._pool

    def counted(*args: Any) -> Tensor:
        counts.append(args[-1])
        return pool(*args)

    monkeypatch.setattr(RegionExtractor, '_pool', counted)
    pooled = RegionExtractor(**KEYS)([make_feats()], edges())
    assert not counts
    pooled.pool(3)
    assert counts == [parse_region('upper')]
