"""One pass of a box branch over thousands of RoIs, some at a time.

Shapes: ``R`` RoIs of one image, ``D`` of them distinct.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mmdet_ohem.host.roi_heads import RoIStage
from mmdet_ohem.host.sharding import is_sharded


def predict_in_chunks(
    stage: RoIStage,
    feats: Sequence[Tensor],
    rois: Tensor,
    chunk_size: int | None,
    equals: Tensor | None = None,
) -> tuple[Any, Any]:
    """Predict with a bound on the RoIs, and so on the memory, at a time.

    Args:
        stage: Whose box branch.
        feats: Features of one image, tensors of shape (1, C, H, W).
        rois: (image index, x1, y1, x2, y2) in pixels, shape (D, 5).
        chunk_size: RoIs at a time; None: all, as where FSDP shards the head.
        equals: For each of R RoIs, which of ``rois`` it equals; None: the
            R RoIs are ``rois``.

    Returns:
        Class scores and box deltas of the R RoIs, float32.
    """
    # RoI extractors lack half precision on CPU, and RoI coordinates are cast
    # to the type of the features: 8 bits do not hold a pixel. Integers are
    # given to extractors that pool them alone.
    feats = [x.float() if x.is_floating_point() else x for x in feats]
    context = stage.context_feats(feats)
    if is_sharded(stage.roi_head):
        # As many calls on all processes, however many RoIs each has.
        chunk_size = None
    chunks = [
        stage.predict(feats, chunk, **context)
        for chunk in _slice(rois, chunk_size)
    ]
    cls_scores, bbox_preds = zip(*chunks, strict=True)
    return _concat(cls_scores, equals), _concat(bbox_preds, equals)


def _slice(rois: Tensor, chunk_size: int | None) -> tuple[Tensor, ...]:
    """Cut RoIs into chunks of at most ``chunk_size``; None keeps one.

    Args:
        rois: Shape (R, 5).
        chunk_size: RoIs in a chunk.

    Returns:
        At least one chunk, each of shape (r, 5).
    """
    if chunk_size is None or len(rois) <= chunk_size:
        return (rois,)
    return torch.split(rois, chunk_size)


def _concat(chunks: tuple[Any, ...], equals: Tensor | None) -> Any:
    """Join the predictions of chunks, float32; SABL predicts a tuple.

    Args:
        chunks: Predictions of some of the RoIs each.
        equals: For each RoI, whose prediction it has; None: its own.
    """
    if chunks[0] is None:
        return None
    if isinstance(chunks[0], (tuple, list)):
        return tuple(
            _concat(part, equals) for part in zip(*chunks, strict=True)
        )
    joined = torch.cat([chunk.float() for chunk in chunks])
    return joined if equals is None else joined[equals]
