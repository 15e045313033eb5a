"""Products of matrices of 8-bit integers.

Relies on the private ``torch._int_mm`` of torch 2.13.
"""

from functools import cache

import torch
from torch import Tensor

from mmdet_ohem.host.precision import cpu_has

# Without one of them the C library multiplies number by number.
_FLAGS = ('avx2', 'avx512_vnni', 'avx_vnni')
# What a weight may be at the most. VNNI adds up in 32 bits. AVX2 and AVX-512
# alone add two products of 8 bits, one of them without a sign, in 16:
# 2 * 255 * 64 is below 2 ** 15, and 2 * 255 * 127 saturates.
_WEIGHTS = (127, 64)


def largest_int8_weight(device: torch.device) -> int:
    """The largest weight with which fast products of integers are exact.

    It is tried, not looked up: the C library may be told to use less than the
    hardware has (``ONEDNN_MAX_CPU_ISA``).

    Args:
        device: Where the network runs.

    Returns:
        127 with VNNI, 64 with AVX2 or AVX-512 alone; 0 where there are no
        such products. Measured (1440 x 25088 by 25088 x 512, torch 2.13, one
        core, GFLOP/s in float32 and int8): AVX-512 157 and 236, with VNNI
        659; AVX2 81 and 150, with VNNI 279. GPUs have bfloat16.
    """
    if device.type != 'cpu' or not hasattr(torch, '_int_mm'):
        return 0
    has_library = torch.backends.mkldnn.is_available()
    return _largest_exact() if has_library and cpu_has(*_FLAGS) else 0


def multiplies_int8(device: torch.device) -> bool:
    """Whether the hardware multiplies matrices of 8-bit integers faster.

    Args:
        device: Where the network runs.
    """
    return largest_int8_weight(device) > 0


def multiply_int8(x: Tensor, weights: Tensor) -> Tensor:
    """``x`` times the transpose of ``weights``, exact.

    Where the hardware has no such products, in float64, which is slow.

    Args:
        x: Shape (R, K), int8.
        weights: Shape (N, K), int8, none beyond
            :func:`largest_int8_weight`, and ``128 * 128 * K`` not beyond the
            largest 32-bit integer.

    Returns:
        Shape (R, N), int32.
    """
    if multiplies_int8(x.device) and x.numel() and weights.numel():
        return torch._int_mm(x, weights.t())
    return (x.double() @ weights.double().t()).int()


@cache
def _largest_exact() -> int:
    """Of the weights that are tried, the first one that does not saturate."""
    for weight in _WEIGHTS:
        # -128 to 127, which the library shifts to 0 to 255.
        x = torch.arange(-128, 128, dtype=torch.int8)[:, None].expand(256, 64)
        weights = torch.full((64, 64), weight, dtype=torch.int8)
        weights[::2] *= -1
        expected = x.int() @ weights.int().t()
        if torch.equal(torch._int_mm(x.contiguous(), weights.t()), expected):
            return weight
    return 0
