"""Modules whose weights are spread over processes.

Relies on the names of the classes of FSDP 1 and 2 in torch 2.13.
"""

from torch import nn

# By name: importing torch.distributed.fsdp takes a second.
_SHARDED = {'FullyShardedDataParallel', 'FSDPModule'}


def is_sharded(module: nn.Module) -> bool:
    """Whether FSDP (1 or 2) wraps a part of ``module``.

    Each forward pass of such a part gathers its weights, a collective call,
    of which all processes must make the same number.

    Args:
        module: Looked through with all its parts.

    Returns:
        Whether it is so.
    """
    return any(
        base.__name__ in _SHARDED
        for part in module.modules()
        for base in type(part).__mro__
    )
