"""In which numbers the read-only pass computes."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmdet_ohem.host.int8 import multiplies_int8
from mmdet_ohem.host.precision import computing_in, multiplies_bfloat16
from mmdet_ohem.host.roi_heads import RoIStage
from mmdet_ohem.host.sharding import is_sharded
from mmdet_ohem.mining.int8_pass import (
    computing_in_int8,
    int8_layers,
    pays_in_int8,
    pools_integers,
)
from mmdet_ohem.mining.quantized import KeptWeights

#: What ``dtype`` may be beside 'auto', by name.
DTYPES = {
    'float32': torch.float32,
    'bfloat16': torch.bfloat16,
    'float16': torch.float16,
    'int8': torch.int8,
}


def check_dtype(dtype: str) -> None:
    """Look at a key of a config.

    Args:
        dtype: Of a read-only head.

    Raises:
        ValueError: It is no format.
    """
    if dtype != 'auto' and dtype not in DTYPES:
        raise ValueError(
            f"dtype must be 'auto' or one of {sorted(DTYPES)}, got {dtype!r}"
        )


def number_format(
    dtype: str, stage: RoIStage, device: torch.device, is_decided: bool
) -> torch.dtype:
    """Look at hardware and network for the format to score RoIs in.

    Args:
        dtype: 'auto', or a key of :data:`DTYPES`.
        stage: Whose box head.
        device: Where it is.
        is_decided: Whether RoIs are scored again in float32 where integers
            leave open which of them are chosen.

    Returns:
        'auto': bfloat16 where the hardware multiplies its matrices faster;
        else int8, where it does for these, the network can pool integers, and
        they decide nothing, and its layers are wide; else float32. An 'int8'
        that cannot be is 'auto' without it, with a warning.
    """
    if dtype not in ('auto', 'int8'):
        return DTYPES[dtype]
    refusal = why_not_int8(stage, device)
    if dtype == 'int8':
        if refusal is None:
            return torch.int8
        _warn_once(refusal)
    if multiplies_bfloat16(device):
        return torch.bfloat16
    can_be = refusal is None and is_decided and pools_integers(stage)
    if can_be and pays_in_int8(stage.bbox_head):
        return torch.int8
    return torch.float32


def why_not_int8(stage: RoIStage, device: torch.device) -> str | None:
    """Why a box head cannot be scored in 8-bit integers.

    Args:
        stage: Whose box head.
        device: Where it is.

    Returns:
        The reason; None where it can.
    """
    if not multiplies_int8(device):
        return f'the {device.type} multiplies no 8-bit integers faster'
    if is_sharded(stage.roi_head):
        return 'FSDP shards the RoI head'
    if not int8_layers(stage.bbox_head):
        return (
            f'{type(stage.bbox_head).__name__} has no linear layer with a '
            'million weights'
        )
    return None


@contextmanager
def computing_in_format(
    dtype: torch.dtype,
    stage: RoIStage,
    feats: Sequence[Tensor],
    kept: KeptWeights,
) -> Iterator[Sequence[Tensor]]:
    """Inside, a box branch computes in a format.

    Args:
        dtype: As of :func:`number_format`.
        stage: Whose box branch.
        feats: Features of one image, tensors of shape (1, C, H, W).
        kept: Weights of earlier passes in integers.

    Yields:
        The features to pool from.
    """
    if dtype == torch.int8:
        with computing_in_int8(stage, feats, kept) as read:
            yield read
    else:
        with computing_in(feats[0].device, dtype):
            yield feats


@cache
def warn_of_overflow(bbox_head: str) -> None:
    """Say once a process that float16 overflows.

    Args:
        bbox_head: Class of the box head.
    """
    print_log(
        f'{bbox_head}: scoring RoIs in float16 overflows; such images are '
        "scored again in float32. Remedy: readonly_head.dtype = 'auto'",
        logger='current',
        level=logging.WARNING,
    )


@cache
def _warn_once(refusal: str) -> None:
    print_log(
        f"RoIs are not scored in int8, as readonly_head.dtype = 'int8' asks: "
        f"{refusal}. Remedy: 'auto', which is taken here",
        logger='current',
        level=logging.WARNING,
    )
