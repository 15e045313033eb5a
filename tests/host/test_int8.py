"""Products of 8-bit integers are exact, with and without the hardware."""

import pytest
import torch
from torch import Tensor

from mmdet_ohem.host.int8 import multiplies_int8, multiply_int8

CPU = torch.device('cpu')


def int8(*shape: int) -> Tensor:
    return torch.randint(-128, 128, shape, dtype=torch.int8)


@pytest.mark.parametrize(
    ('rows', 'inputs', 'outputs'),
    [(1, 1, 1), (3, 7, 5), (17, 1000, 33), (0, 8, 4), (4, 8, 0), (2, 0, 3)],
)
def test_products_are_those_of_whole_numbers(
    rows: int, inputs: int, outputs: int
) -> None:
    x, weights = int8(rows, inputs), int8(outputs, inputs)
    found = multiply_int8(x, weights)
    assert found.dtype == torch.int32
    assert torch.equal(found, x.int() @ weights.int().t())


@pytest.mark.parametrize('value', [-128, 127])
def test_the_largest_sums_do_not_saturate(value: int) -> None:
    x = torch.full((2, 2**16), -128, dtype=torch.int8)
    weights = torch.full((16, 2**16), value, dtype=torch.int8)
    assert (multiply_int8(x, weights) == -128 * value * 2**16).all()


def test_without_the_private_function_products_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, weights = int8(9, 50), int8(20, 50)
    expected = multiply_int8(x, weights)
    monkeypatch.delattr(torch, '_int_mm')
    assert not multiplies_int8(CPU)
    assert torch.equal(multiply_int8(x, weights), expected)


@pytest.mark.parametrize(
    ('flags', 'fast'),
    [
        (dict(avx2=True), False),
        (dict(avx2=True, avx512_vnni=False), False),
        (dict(avx512_vnni=True), True),
        (dict(avx_vnni=True), True),
    ],
)
def test_the_hardware_has_them_or_not(
    flags: dict, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: flags)
    assert multiplies_int8(CPU) is fast
    assert not multiplies_int8(torch.device('cuda'))
    monkeypatch.delattr(torch.cpu, 'get_capabilities')
    assert not multiplies_int8(CPU)
