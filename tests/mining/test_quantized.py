"""Linear layers on integers: exact where they can be, else within a bound."""

import copy
import pickle
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmdet_ohem.detector.roi_pool import roi_pool
from mmdet_ohem.host.int8 import largest_int8_weight
from mmdet_ohem.mining.quantized import (
    KeptWeights,
    Quantized,
    quantize_map,
    quantize_rows,
    quantize_weights,
    quantized_linear,
)


def linear(x: Quantized, weight: Tensor, **kwargs: Any) -> Tensor:
    return quantized_linear(x, quantize_weights(weight), len(weight), **kwargs)


def whole(*shape: int, low: int, high: int) -> Tensor:
    """Whole numbers, the largest of each row being ``high``."""
    found = torch.randint(low, high + 1, shape).float()
    found[:, 0] = high
    return found


@pytest.mark.parametrize('low', [0, -127])
@pytest.mark.parametrize('outputs', [5, 513])
def test_exact_where_numbers_are_multiples_of_a_step(
    low: int, outputs: int
) -> None:
    x = whole(6, 300, low=low, high=255 if low == 0 else 127) / 8
    largest = largest_int8_weight(x.device) or 127
    weight = whole(outputs, 300, low=-largest, high=largest) / 64
    bias = torch.randn(outputs)
    found = quantized_linear(
        quantize_rows(x), quantize_weights(weight), outputs, bias, 0.5
    )
    expected = (x.double() @ weight.double().t() * 0.5 + bias.double()).float()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize('shift', [0.0, -0.5])
def test_half_a_step_of_each_factor_bounds_the_error(shift: float) -> None:
    x, weight = torch.rand(7, 400) + shift, torch.randn(9, 400)
    rows = quantize_rows(x)
    (weights,) = quantize_weights(weight)
    x_error, w_error = rows.step / 2, weights.step[:, None] / 2
    bound = (
        x_error * weight.abs().sum(1)
        + x.abs().sum(1, keepdim=True) * w_error.t()
        + 400 * x_error * w_error.t()
    )
    error = (linear(rows, weight) - F.linear(x, weight)).abs()
    assert (error <= bound * 1.001 + 1e-5).all()
    assert error.mean() < 0.1 * bound.mean()  # they cancel


def test_pooling_commutes_with_rounding() -> None:
    feats = torch.rand(1, 3, 9, 12)
    corners = (torch.rand(20, 2, 2) * 150).sort(1).values.view(20, 4)
    rois = torch.cat([torch.zeros(20, 1), corners], 1)
    found = quantize_map(feats)
    assert found is not None and found.values.dtype == torch.uint8
    pooled = roi_pool(found.values, rois, (3, 3), 1 / 16)
    after = roi_pool(feats, rois, (3, 3), 1 / 16) / found.step
    assert torch.equal(pooled, after.round().to(torch.uint8))


@pytest.mark.parametrize('value', [-1e-3, torch.inf, torch.nan])
def test_a_map_that_has_no_integers_is_left_alone(value: float) -> None:
    feats = torch.rand(1, 2, 3, 3)
    feats[0, 1, 2, 0] = value
    assert quantize_map(feats) is None


def test_zeros_stay_zeros() -> None:
    bias = torch.tensor([1.0, 2.0])
    nothing = quantize_map(torch.zeros(1, 2, 2, 2))
    assert nothing is not None and not nothing.values.any()
    rows = quantize_rows(torch.zeros(3, 4))
    found = quantized_linear(
        rows, quantize_weights(torch.zeros(2, 4)), 2, bias
    )
    assert torch.equal(found, bias.expand(3, 2))


def test_no_rows() -> None:
    found = linear(quantize_rows(torch.zeros(0, 4)), torch.rand(2, 4))
    assert found.shape == (0, 2)


@pytest.mark.parametrize('value', [torch.inf, -torch.inf, torch.nan])
def test_what_is_not_finite_stays_so_in_its_row(value: float) -> None:
    x = torch.rand(3, 8)
    x[1, 2] = value
    is_finite = linear(quantize_rows(x), torch.rand(2, 8)).isfinite().all(1)
    assert is_finite.tolist() == [True, False, True]


def test_weights_are_kept_until_they_change() -> None:
    kept, weight = KeptWeights(), torch.randn(600, 20)
    first = kept.of('fc6', weight)
    assert kept.of('fc6', weight) is first
    weight -= 1e-4
    second = list(kept.of('fc6', weight))
    expected = list(quantize_weights(weight))
    assert len(second) == 2
    for found, wanted in zip(second, expected, strict=True):
        assert all(map(torch.equal, found, wanted))


def test_weights_of_another_shape_are_others() -> None:
    kept = KeptWeights()
    kept.of('fc6', torch.ones(4, 6))
    (found,) = kept.of('fc6', torch.ones(6, 4))
    assert found.values.shape == (6, 4)


def test_large_weights_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptWeights, 'max_bytes', 100)
    kept, weight = KeptWeights(), torch.randn(10, 8)
    assert kept.of('fc6', weight) is kept.of('fc6', weight)
    assert kept.of('fc7', weight) is not kept.of('fc7', weight)
    assert sum(len(x.step) for x in kept.of('fc7', weight)) == 10


def test_a_copy_starts_empty() -> None:
    kept = KeptWeights()
    kept.of('fc6', torch.ones(4, 6))
    for other in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert not other._kept
