"""How fast the read-only pass could be on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mmdet_ohem.benchmark.workload import Workload
from mmdet_ohem.host.int8 import multiplies_int8, multiply_int8
from mmdet_ohem.host.precision import multiplies_bfloat16


@dataclass(frozen=True)
class MachineLimits:
    """What the machine does at best, measured.

    Attributes:
        dtype: The format that the read-only pass multiplies in.
        flops: Multiplications and additions a second, in that format.
        bytes_per_second: Memory written and read by a copy.
    """

    dtype: torch.dtype
    flops: float
    bytes_per_second: float

    def seconds(
        self, load: Workload, num_inputs: int, num_weights: int
    ) -> tuple[float, float]:
        """Least seconds of one read-only pass over all images.

        Args:
            load: Sizes.
            num_inputs: Of fc6, for a RoI.
            num_weights: Of fc6 and fc7.

        Returns:
            By arithmetic: fc6 and fc7 of all RoIs. By bandwidth: their
            weights read once in float32 and the pooled features written and
            read once in ``dtype``.
        """
        rois = load.num_images * load.num_rois
        element = torch.empty(0, dtype=self.dtype).element_size()
        moved = 4 * num_weights + 2 * element * rois * num_inputs
        flops = 2 * rois * num_weights
        return flops / self.flops, moved / self.bytes_per_second


def measure_limits(
    device: torch.device, size: int = 4096, repeats: int = 5
) -> MachineLimits:
    """Multiply and copy large matrices, and keep the best of some tries.

    Args:
        device: Where.
        size: Side of the matrices.
        repeats: Tries.

    Returns:
        The limits.
    """
    dtype, multiply = _format(device)
    x, y = (
        (torch.randn(size, size, device=device) * 30).to(dtype)
        for _ in range(2)
    )
    target, source = x.new_empty(8, size, size), x.new_ones(8, size, size)
    product, copied = [], []
    for _ in range(repeats + 1):
        start = _now(device)
        multiply(x, y)
        middle = _now(device)
        target.copy_(source)
        product.append(middle - start)
        copied.append(_now(device) - middle)
    # The first try allocates.
    return MachineLimits(
        dtype,
        2 * size**3 / min(product[1:]),
        2 * source.numel() * source.element_size() / min(copied[1:]),
    )


def _format(
    device: torch.device,
) -> tuple[torch.dtype, Callable[[Tensor, Tensor], Tensor]]:
    """What 'auto' scores Fast R-CNN in, and how it multiplies."""
    if multiplies_bfloat16(device):
        return torch.bfloat16, F.linear
    if multiplies_int8(device):
        return torch.int8, multiply_int8
    return torch.float32, F.linear


def _now(device: torch.device) -> float:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
    return time.perf_counter()
