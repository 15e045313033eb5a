"""The extractor is RoI pooling of one feature map."""

import pytest
import torch
from mmdet.registry import MODELS
from torch import Tensor

from mmdet_ohem.detector import RoIPoolExtractor, roi_pool

STRIDE = 16


def extractor(output_size: int = 3) -> RoIPoolExtractor:
    return MODELS.build(
        dict(
            type='mmdet_ohem.RoIPoolExtractor',
            output_size=output_size,
            out_channels=5,
            featmap_stride=STRIDE,
        )
    )


def random_rois(num: int = 40, size: float = 600) -> Tensor:
    image = torch.randint(0, 2, (num, 1)).float()
    boxes = (torch.rand(num, 2, 2) * size).sort(1).values
    return torch.cat([image, boxes.view(num, 4)], 1)


@pytest.mark.parametrize('output_size', [1, 3, 7])
def test_equals_roi_pool_at_the_scale_of_the_stride(output_size: int) -> None:
    feats, rois = torch.randn(2, 5, 38, 38), random_rois()
    found = extractor(output_size)([feats], rois)
    expected = roi_pool(feats, rois, (output_size, output_size), 1 / STRIDE)
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
