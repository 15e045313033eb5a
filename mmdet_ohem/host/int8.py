"""Products of matrices of 8-bit integers.

Relies on the private ``torch._int_mm`` of torch 2.13.
"""

import torch
from torch import Tensor

from mmdet_ohem.host.precision import cpu_has

# Instructions that multiply 8-bit integers and add them up in 32 bits. Without
# them the C library is no faster than in float32, and may saturate at 16 bits.
_FLAGS = ('avx512_vnni', 'avx_vnni')


def multiplies_int8(device: torch.device) -> bool:
    """Whether the hardware multiplies matrices of 8-bit integers faster.

    A CPU does with VNNI: four times as fast as float32 where it was measured
    (720 x 25088 by 25088 x 512, torch 2.13, one core: 640 against 153
    GFLOP/s). GPUs have bfloat16.

    Args:
        device: Where the network runs.
    """
    if device.type != 'cpu' or not hasattr(torch, '_int_mm'):
        return False
    return cpu_has(*_FLAGS)


def multiply_int8(x: Tensor, weights: Tensor) -> Tensor:
    """``x`` times the transpose of ``weights``, exact.

    Where the hardware has no such products, in float64, which is slow.

    Args:
        x: Shape (R, K), int8.
        weights: Shape (N, K), int8. ``128 * 128 * K`` must not pass the
            largest 32-bit integer.

    Returns:
        Shape (R, N), int32.
    """
    if multiplies_int8(x.device) and x.numel() and weights.numel():
        return torch._int_mm(x, weights.t())
    return (x.double() @ weights.double().t()).int()
