"""In which precision a device computes.

Relies on what torch 2.13 does not document: ``torch.clear_autocast_cache``,
and the flags of ``torch.cpu.get_capabilities``, which older ones lack.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def cpu_has(*flags: str) -> bool:
    """Whether this CPU has one of some instructions, as far as torch says.

    Args:
        flags: As ``torch.cpu.get_capabilities`` names them.
    """
    if not hasattr(torch.cpu, 'get_capabilities'):
        return False
    found = torch.cpu.get_capabilities()
    return any(found.get(flag) for flag in flags)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies matrices of bfloat16 faster.

    A CPU does with AMX. With AVX-512's bfloat16 alone it was half as fast as
    float32 where it was measured (1536 x 25088 by 25088 x 2048, torch 2.13,
    one core: 57 against 98 GFLOP/s), and where it is emulated it is slower
    still.

    Args:
        device: Where the network runs.
    """
    if device.type == 'cuda':
        return torch.cuda.get_device_capability(device)[0] >= 8
    return device.type == 'cpu' and cpu_has('amx_bf16')


@contextmanager
def computing_in(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Inside, layers compute in ``dtype``, whatever autocast is around.

    Autocast keeps the weights it has cast until the outermost autocast ends.
    Those cast here, without autograd, are forgotten at the end: a training
    pass that found them would give the weights no gradient.

    Args:
        device: Where they compute.
        dtype: float32 turns autocast off.
    """
    is_half = dtype != torch.float32
    try:
        with torch.autocast(
            device.type, dtype=dtype if is_half else None, enabled=is_half
        ):
            yield
    finally:
        torch.clear_autocast_cache()
