"""The read-only pass in 8-bit integers.

Shapes: ``R`` RoIs of one image.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdet_ohem.host.patching import replaced
from mmdet_ohem.host.precision import computing_in
from mmdet_ohem.host.roi_heads import RoIStage, has_plain_box_branch
from mmdet_ohem.mining.quantized import (
    MAX_INPUTS,
    KeptWeights,
    Quantized,
    quantize_map,
    quantize_rows,
    quantized_linear,
)

# Layers of fewer weights take no time, and stay in float32.
_MIN_WEIGHTS = 2**20
# With fewer in all, rounding and the second look cost what integers save: the
# demo's 1.6 million made an iteration of .082 s one of .090 s.
_WORTHWHILE = 2**22


def int8_layers(bbox_head: Any) -> dict[str, nn.Linear]:
    """The layers of a box head that are worth computing in integers.

    Args:
        bbox_head: Any box head.

    Returns:
        Linear layers with many weights, by name. Their subclasses that
        compute something else, such as a cosine, are left out.
    """
    return {
        name: layer
        for name, layer in bbox_head.named_modules()
        if _is_linear(layer)
        and layer.in_features <= MAX_INPUTS
        and layer.weight.numel() >= _MIN_WEIGHTS
    }


def pays_in_int8(bbox_head: Any) -> bool:
    """Whether a box head has so many weights that integers save time.

    Args:
        bbox_head: Any box head.
    """
    layers = int8_layers(bbox_head).values()
    return sum(x.weight.numel() for x in layers) >= _WORTHWHILE


def pools_integers(stage: RoIStage) -> bool:
    """Whether RoIs may be pooled from features that are integers.

    They may where the extractor and the box head, the only readers of the
    features, say so by :func:`~mmdet_ohem.detector.pooled_integers.
    on_integers`.

    Args:
        stage: Of any RoI head.
    """
    roi_head = stage.roi_head
    if not has_plain_box_branch(roi_head) or roi_head.with_shared_head:
        return False
    parts = (roi_head.bbox_roi_extractor, stage.bbox_head)
    return all(
        getattr(type(part).forward, 'on_integers', False) for part in parts
    )


@contextmanager
def computing_in_int8(
    stage: RoIStage, feats: Sequence[Tensor], kept: KeptWeights
) -> Iterator[list[Tensor]]:
    """Inside, the large linear layers of a box head compute in integers.

    Everything else is computed in float32.

    Args:
        stage: Whose box head.
        feats: Features of one image, tensors of shape (1, C, H, W).
        kept: Weights of earlier passes.

    Yields:
        The features to pool from: integers, or as they were.
    """
    step = None
    # Two maps would have two steps, and a pooled region does not say of which
    # map it is.
    if len(feats) == 1 and pools_integers(stage):
        found = quantize_map(feats[0])
        if found is not None:
            feats, step = [found.values], found.step
    head = stage.bbox_head
    large = {id(layer): name for name, layer in int8_layers(head).items()}
    with ExitStack() as stack:
        stack.enter_context(computing_in(feats[0].device, torch.float32))
        for layer in head.modules():
            if not _is_linear(layer):
                continue
            forward: Callable = partial(_in_float32, layer, step)
            if name := large.get(id(layer)):
                forward = partial(_in_int8, layer, step, name, kept)
            stack.enter_context(replaced(layer, forward=forward))
        yield list(feats)


def _is_linear(layer: nn.Module) -> bool:
    """Whether a layer is ``nn.Linear``, or its like with ``input_scale``."""
    return isinstance(layer, nn.Linear) and (
        type(layer).forward is nn.Linear.forward
        or hasattr(layer, 'input_scale')
    )


def _in_int8(
    layer: nn.Linear,
    step: Tensor | None,
    name: str,
    kept: KeptWeights,
    x: Tensor,
) -> Tensor:
    """Stands in for ``forward`` of a layer with many weights."""
    rows = x.reshape(-1, layer.in_features)
    if step is not None and not x.is_floating_point():
        found = Quantized(rows, step)
    else:
        found = quantize_rows(rows)
    out = quantized_linear(
        found,
        kept.of(name, layer.weight),
        layer.out_features,
        layer.bias,
        getattr(layer, 'input_scale', 1.0),
    )
    return out.view(*x.shape[:-1], layer.out_features)


def _in_float32(layer: nn.Linear, step: Tensor | None, x: Tensor) -> Tensor:
    """Stands in for ``forward`` of a layer with few weights."""
    if step is not None and not x.is_floating_point():
        x = x * step
    scale = getattr(layer, 'input_scale', 1.0)
    return F.linear(x * scale, layer.weight, layer.bias)
