"""Regions of a box, by hand."""

import math

import pytest
import torch

from mmdet_ohem.detector.regions import (
    MR_CNN_REGIONS,
    Region,
    parse_region,
)

# 40 wide and 20 high, its centre at (30, 20).
ROI = torch.tensor([[3.0, 10, 10, 50, 30]])
BOXES = {
    'left': (10, 10, 30, 30),
    'right': (30, 10, 50, 30),
    'upper': (10, 10, 50, 20),
    'lower': (10, 20, 50, 30),
    (0, 1): (10, 10, 50, 30),
    (0, 0.5): (20, 15, 40, 25),
    (0.3, 0.8): (14, 12, 46, 28),
    (0.5, 1): (10, 10, 50, 30),
    (0.8, 1.5): (0, 5, 60, 35),
    (1, 1.8): (-6, 2, 66, 38),
    (0, 1.3): (4, 7, 56, 33),
}
HOLES = {
    (0.3, 0.8): (24, 17, 36, 23),
    (0.5, 1): (20, 15, 40, 25),
    (0.8, 1.5): (14, 12, 46, 28),
    (1, 1.8): (10, 10, 50, 30),
}


@pytest.mark.parametrize('name', BOXES)
def test_regions_are_those_worked_by_hand(name: object) -> None:
    found = parse_region(name).rois(ROI)
    expected = torch.tensor([[3.0, *BOXES[name]]])  # type: ignore[index]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('name', BOXES)
def test_rings_have_holes_and_nothing_else_has(name: object) -> None:
    region = parse_region(name)
    assert region.has_hole == (name in HOLES)
    if region.has_hole:
        expected = torch.tensor([[3.0, *HOLES[name]]])  # type: ignore[index]
        torch.testing.assert_close(region.holes(ROI), expected)


def test_there_are_ten_in_the_paper() -> None:
    assert len(set(MR_CNN_REGIONS)) == 10
    assert set(MR_CNN_REGIONS) < BOXES.keys()


def test_the_box_itself_is_the_roi_to_the_last_bit() -> None:
    rois = torch.rand(1000, 5) * 1000
    assert torch.equal(Region().rois(rois), rois)


def test_half_boxes_keep_the_corners_of_the_box_to_the_last_bit() -> None:
    rois = torch.rand(1000, 5) * 1000
    left, right = (parse_region(x).rois(rois) for x in ('left', 'right'))
    assert torch.equal(left[:, [0, 1, 2, 4]], rois[:, [0, 1, 2, 4]])
    assert torch.equal(right[:, [0, 2, 3, 4]], rois[:, [0, 2, 3, 4]])


def test_no_roi() -> None:
    for name in MR_CNN_REGIONS:
        assert parse_region(name).rois(torch.zeros(0, 5)).shape == (0, 5)


@pytest.mark.parametrize(
    'region',
    ['top', (1, 1), (1.5, 1), (-0.1, 1), (0,), (0, 1, 2), 3, None, ('a', 'b'),
     (0, math.nan), (0, math.inf), (0, True)],
)  # fmt: skip
def test_what_is_no_region_is_refused(region: object) -> None:
    with pytest.raises(ValueError, match=r'is no region. Remedy: scales'):
        parse_region(region)
