"""The extractor is RoI pooling of one feature map."""

import pytest
import torch
from mmdet.registry import MODELS
from torch import Tensor

from mmdet_ohem.detector import RoIPoolExtractor, roi_pool

STRIDE = 16


def extractor(output_size: int = 3, **kwargs: float) -> RoIPoolExtractor:
    return MODELS.build(
        dict(
            type='mmdet_ohem.RoIPoolExtractor',
            output_size=output_size,
            out_channels=5,
            featmap_stride=STRIDE,
            **kwargs,
        )
    )


def inclusive(rois: Tensor, pixel: float = 1.0) -> Tensor:
    """The last pixels in place of the right and lower edges."""
    return rois - torch.tensor([0, 0, 0, pixel, pixel])


def random_rois(num: int = 40, size: float = 600) -> Tensor:
    image = torch.randint(0, 2, (num, 1)).float()
    boxes = (torch.rand(num, 2, 2) * size).sort(1).values
    return torch.cat([image, boxes.view(num, 4)], 1)


@pytest.mark.parametrize('output_size', [1, 3, 7])
def test_equals_roi_pool_at_the_scale_of_the_stride(output_size: int) -> None:
    feats, rois = torch.randn(2, 5, 38, 38), random_rois()
    found = extractor(output_size)([feats], rois)
    size = (output_size, output_size)
    expected = roi_pool(feats, inclusive(rois), size, 1 / STRIDE)
    assert found.shape == (40, 5, output_size, output_size)
    assert torch.equal(found, expected)


def test_rois_that_round_to_the_same_cells_pool_the_same() -> None:
    feats, rois = torch.randn(2, 5, 12, 12), random_rois(400, size=40)
    pool = extractor()
    pooled, cells = pool([feats], rois), pool.rounded(rois)
    equal = (cells[:, None] == cells[None]).all(2)
    same = (pooled[:, None] == pooled[None]).flatten(2).all(2)
    assert equal.sum() > 2 * len(rois)
    assert same[equal].all()


def edges_in_the_original(num: int, width: int, height: int) -> Tensor:
    """Whole pixels of an image, xyxy edges, shape (num, 4)."""
    size = torch.tensor([width, height])
    corners = (torch.rand(num, 2, 2) * (size - 1)).round().sort(1).values
    corners[:, 1] += 1
    return corners.view(num, 4)


@pytest.mark.parametrize('scale', [1.2, 1.5, 1.6, 2.0])
def test_at_the_scale_it_is_told_the_cells_are_caffes(scale: float) -> None:
    edges = edges_in_the_original(500, 500, 375)
    # Caffe: the last pixel's number times the scale, then to cells.
    last = edges - torch.tensor([0, 0, 1, 1])
    cells = (last.double() * scale / STRIDE + 0.5).floor()
    rois = torch.cat([torch.zeros(500, 1), edges * scale], 1)
    found = extractor(pixel=scale).rounded(rois)[:, 1:].double()
    # Float32 may fall to the other side of a half.
    half = (last.double() * scale / STRIDE + 0.5) % 1
    clear = (half > 1e-4) & (half < 1 - 1e-4)
    assert clear.double().mean() > 0.8
    assert torch.equal(found[clear], cells[clear])


def test_another_scale_changes_few_cells_and_edges_alone_many() -> None:
    edges, scale = edges_in_the_original(4000, 500, 400), 1.5
    rois = torch.cat([torch.zeros(4000, 1), edges * scale], 1)

    def share_that_differs(pixel: float) -> float:
        exact = extractor(pixel=scale).rounded(rois)
        differs = extractor(pixel=pixel).rounded(rois) != exact
        return differs.any(1).double().mean().item()

    assert share_that_differs(0.0) > 0.15
    assert share_that_differs(1.6) < 0.08 > share_that_differs(1.0)


def test_a_pixel_is_where_it_is() -> None:
    # Column 24 is the first one nearer to cell 2 than to cell 1: a RoI that
    # ends behind column 23 ends in cell 1.
    rois = torch.tensor([[0.0, 23, 23, 24, 24], [0, 24, 24, 25, 25]])
    assert extractor().rounded(rois).tolist() == [
        [0, 1, 1, 1, 1],
        [0, 2, 2, 2, 2],
    ]
    # Edges alone would give it both cells.
    assert extractor(pixel=0).rounded(rois)[0].tolist() == [0, 1, 1, 2, 2]


@pytest.mark.parametrize('pixel', [-1.0, float('nan'), float('inf')])
def test_a_pixel_of_no_size_is_an_error(pixel: float) -> None:
    with pytest.raises(ValueError, match=f'pixel is {pixel}'):
        extractor(pixel=pixel)


def test_rois_given_stay_as_they_are() -> None:
    rois = random_rois()
    before = rois.clone()
    extractor()([torch.randn(2, 5, 38, 38)], rois)
    extractor().rounded(rois)
    assert torch.equal(rois, before)


def test_defaults_are_those_of_vgg16() -> None:
    pool = RoIPoolExtractor()
    assert pool.num_inputs == 1
    assert pool.out_channels == 512
    assert pool([torch.zeros(1, 512, 4, 4)], random_rois(2)).shape == (
        2,
        512,
        7,
        7,
    )


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_features_do_not_round_the_rois(
    dtype: torch.dtype,
) -> None:
    # Whole numbers are exact in either type; RoIs of 1000 px are not.
    feats = torch.randint(-99, 99, (2, 5, 64, 64)).float()
    rois = random_rois(size=1000)
    found = extractor()([feats.to(dtype)], rois)
    assert found.dtype == dtype
    assert torch.equal(found.float(), extractor()([feats], rois))
    rounded = extractor()([feats], rois.to(dtype).float())
    assert not torch.equal(found.float(), rounded)


def test_autocast_does_not_round_the_rois() -> None:
    feats = torch.randint(-99, 99, (2, 5, 64, 64)).float()
    rois = random_rois(size=1000)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = extractor()([feats.bfloat16()], rois)
    assert torch.equal(found.float(), extractor()([feats], rois))


def test_roi_scale_factor_enlarges_about_the_centre() -> None:
    feats = torch.randn(1, 5, 38, 38)
    rois = torch.tensor([[0.0, 100, 200, 140, 220]])
    enlarged = torch.tensor([[0.0, 80, 190, 160, 230]])
    assert torch.equal(
        extractor()([feats], rois, roi_scale_factor=2.0),
        extractor()([feats], enlarged),
    )


def test_no_rois() -> None:
    feats = torch.randn(2, 5, 8, 8, requires_grad=True)
    found = extractor()([feats], torch.zeros(0, 5))
    assert found.shape == (0, 5, 3, 3)
    found.sum().backward()
    assert feats.grad is not None
    assert not feats.grad.any()


def test_nothing_is_stored_or_trained() -> None:
    assert not extractor().state_dict()
    assert not list(extractor().parameters())
