"""Products of 8-bit integers are exact, with and without the hardware."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from mmdet_ohem.host import int8 as module
from mmdet_ohem.host.int8 import (
    largest_int8_weight,
    multiplies_int8,
    multiply_int8,
)

CPU = torch.device('cpu')
LARGEST = largest_int8_weight(CPU) or 127


def int8(*shape: int, largest: int = 127) -> Tensor:
    low = -largest - (largest == 127)
    return torch.randint(low, largest + 1, shape, dtype=torch.int8)


@pytest.mark.parametrize(
    ('rows', 'inputs', 'outputs'),
    [(1, 1, 1), (3, 7, 5), (17, 1000, 33), (0, 8, 4), (4, 8, 0), (2, 0, 3)],
)
def test_products_are_those_of_whole_numbers(
    rows: int, inputs: int, outputs: int
) -> None:
    x, weights = int8(rows, inputs), int8(outputs, inputs, largest=LARGEST)
    found = multiply_int8(x, weights)
    assert found.dtype == torch.int32
    assert torch.equal(found, x.int() @ weights.int().t())


@pytest.mark.parametrize('value', [-LARGEST, LARGEST])
def test_the_largest_sums_do_not_saturate(value: int) -> None:
    x = torch.full((2, 2**16), -128, dtype=torch.int8)
    weights = torch.full((16, 2**16), value, dtype=torch.int8)
    assert (multiply_int8(x, weights) == -128 * value * 2**16).all()


def test_without_the_private_function_products_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, weights = int8(9, 50), int8(20, 50, largest=LARGEST)
    expected = multiply_int8(x, weights)
    monkeypatch.delattr(torch, '_int_mm')
    assert not multiplies_int8(CPU)
    assert torch.equal(multiply_int8(x, weights), expected)


@pytest.mark.parametrize(
    ('flags', 'fast'),
    [
        (dict(avx=True), False),
        (dict(avx2=False, avx512_vnni=False), False),
        (dict(avx2=True), True),
        (dict(avx512_vnni=True), True),
        (dict(avx_vnni=True), True),
    ],
)
def test_the_hardware_has_them_or_not(
    flags: dict, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: flags)
    monkeypatch.setattr(module, '_largest_exact', lambda: 64)
    assert multiplies_int8(CPU) is fast
    assert not multiplies_int8(torch.device('cuda'))
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.mkldnn, 'is_available', lambda: False)
        assert not multiplies_int8(CPU)
    monkeypatch.delattr(torch.cpu, 'get_capabilities')
    assert not multiplies_int8(CPU)


@pytest.mark.parametrize('bits', [15, 16, 32])
def test_the_largest_weight_is_the_one_that_does_not_saturate(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A product that adds up pairs in so many bits, as AVX2 does in 16."""
    limit = 2 ** (bits - 1)

    def product(x: Tensor, weights: Tensor) -> Tensor:
        shifted = x.int() + 128
        terms = shifted[:, :, None] * weights.int()
        pairs = terms.view(len(x), -1, 2, weights.shape[1]).sum(2)
        sums = pairs.clamp(-limit, limit - 1).sum(1)
        return (sums - 128 * weights.int().sum(0)).int()

    monkeypatch.setattr(torch, '_int_mm', product)
    expected = {15: 0, 16: 64, 32: 127}[bits]
    assert module._largest_exact.__wrapped__() == expected


@pytest.mark.skipif(not multiplies_int8(CPU), reason='no AVX2')
@pytest.mark.parametrize('isa', ['AVX2', 'AVX512_CORE'])
def test_exact_where_the_library_may_not_use_vnni(isa: str) -> None:
    code = (
        'import torch\n'
        'from mmdet_ohem.host.int8 import largest_int8_weight\n'
        'from mmdet_ohem.mining.quantized import *\n'
        'x = torch.rand(70, 3000).round()\n'
        'x[:, :9] = 1\n'
        'w = torch.randn(40, 3000).sign()\n'
        'rows = quantize_rows(x)\n'
        'out = quantized_linear(rows, quantize_weights(w), 40)\n'
        "print(largest_int8_weight(torch.device('cpu')),"
        ' float((out - x @ w.t()).abs().max()))'
    )
    found = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'ONEDNN_MAX_CPU_ISA': isa, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert found[0] == '64'
    assert float(found[1]) < 1e-2
