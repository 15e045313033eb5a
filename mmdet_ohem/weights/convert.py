"""From the layers of another framework to the parameters of ours.

Shapes: ``K`` foreground classes, ``D`` width of fc7.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.weights.networks import KINDS, NETS, Layer

# The deviations of every config here; the means are 0.
_TARGET_STDS = (0.1, 0.1, 0.2, 0.2)
_HEAD = 'roi_head.bbox_head'


class Move(NamedTuple):
    """One parameter: where it was, where it went, what was done to it."""

    source: str
    source_shape: tuple[int, ...]
    target: str
    target_shape: tuple[int, ...]
    change: str


class Conversion(NamedTuple):
    """Converted parameters.

    Args:
        state_dict: Name -> parameter.
        moves: One for each parameter.
        left_out: Layers of the source that have no place here.
    """

    state_dict: dict[str, Tensor]
    moves: list[Move]
    left_out: list[str]


def convert_layers(
    source: Mapping[str, Sequence[np.ndarray]],
    net: str,
    kind: str = 'backbone',
    fc_out_channels: tuple[int, int] | None = None,
    names: str = 'caffe',
) -> Conversion:
    """Convert the layers of a network, all or none.

    A backbone keeps its numbers and gets torchvision's names. So do the
    convolutions, fc6 and fc7 of a detector. Its outputs change:

    1. The background class moves from the first row to the last. Its boxes,
       which were never trained, are dropped.
    2. Box deltas are divided by the deviations that mmdet's box coder
       multiplies them with. Fast R-CNN has folded its own means and
       deviations, per class, into the snapshot, so that its outputs are
       plain deltas.

    Args:
        source: Layer -> weight and bias. Weights may have ones in front.
        net: One of ``NETS``.
        kind: ``backbone``, up to fc7, for ``init_cfg``; ``detector``, a
            trained Fast R-CNN, for ``load_from`` and for testing.
        fc_out_channels: Width of fc6 and fc7, if not as published.
        names: How ``source`` names layers: ``caffe`` or ``torchvision``.

    Raises:
        ValueError: ``net`` or ``kind`` are unknown, or layers are missing,
            misshapen or not finite; each is named.
    """
    if net not in NETS or kind not in KINDS:
        raise ValueError(
            f'net must be one of {list(NETS)} and kind one of {list(KINDS)}, '
            f'got {net!r} and {kind!r}'
        )
    layers = NETS[net].layers(fc_out_channels)
    if kind == 'detector':
        layers += _output_layers(source, fc7_width=layers[-1].shape[0])
    taken = _take_layers(source, layers, names, f'{net} {kind}')
    state_dict: dict[str, Tensor] = {}
    moves: list[Move] = []
    for layer in layers:
        name = getattr(layer, names)
        prefix = layer.detector if kind == 'detector' else layer.torchvision
        shapes = [blob.shape for blob in source[name]]
        parts = zip(('weight', 'bias'), taken[name], shapes, strict=True)
        for part, array, shape in parts:
            # Only outputs of a detector change.
            changed, change = _CHANGES.get(layer.caffe, _keep)(array)
            target = f'{prefix}.{part}'
            state_dict[target] = torch.from_numpy(changed)
            moves.append(
                Move(f'{name}.{part}', shape, target, changed.shape, change)
            )
    return Conversion(
        state_dict, moves, left_out=[x for x in source if x not in taken]
    )


def _take_layers(
    source: Mapping[str, Sequence[np.ndarray]],
    layers: Sequence[Layer],
    names: str,
    wanted: str,
) -> dict[str, list[np.ndarray]]:
    """Take weight and bias of each layer, or list all that is wrong."""
    taken, problems = {}, []
    for layer in layers:
        name = getattr(layer, names)
        taken[name], found = _take(source, name, layer)
        problems += found
    if problems:
        raise ValueError(
            f'not the layers of a {wanted}: {"; ".join(problems)}. The '
            f'layers there: {", ".join(source) or "none"}. Remedy: give the '
            'network and kind that the file was trained as'
        )
    return taken


def _output_layers(
    source: Mapping[str, Sequence[np.ndarray]], fc7_width: int
) -> list[Layer]:
    """Describe cls_score and bbox_pred, with as many classes as biases."""
    num_rows = 0
    blobs = source.get('cls_score', ())
    if blobs:
        num_rows = blobs[-1].size
    return [
        Layer('cls_score', '', f'{_HEAD}.fc_cls', (num_rows, fc7_width)),
        Layer('bbox_pred', '', f'{_HEAD}.fc_reg', (4 * num_rows, fc7_width)),
    ]


def _take(
    source: Mapping[str, Sequence[np.ndarray]], name: str, layer: Layer
) -> tuple[list[np.ndarray], list[str]]:
    """Take weight and bias of a layer in its shape, and list what is wrong."""
    if name not in source:
        expected = layer.shape if layer.shape[0] else 'outputs of a detector'
        return [], [f'{name} is missing ({expected})']
    blobs = source[name]
    if len(blobs) != 2:
        return [], [
            f'{name} has {Count(len(blobs)):blob}, weight and bias expected'
        ]
    taken, problems = [], []
    shapes = (layer.shape, layer.shape[:1])
    parts = zip(('weight', 'bias'), blobs, shapes, strict=True)
    for part, array, shape in parts:
        # Files until 2014 have at least four dimensions.
        ones = array.ndim - len(shape)
        if array.shape != (1,) * ones + shape:
            problems.append(
                f'{name}.{part} has shape {array.shape}, not {shape}'
            )
        elif not np.isfinite(array).all():
            problems.append(f'{name}.{part} has values that are not finite')
        else:
            taken.append(array.reshape(shape))
    return taken, problems


def _keep(array: np.ndarray) -> tuple[np.ndarray, str]:
    return array, ''


def _background_last(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Rows of classes, (K + 1, D) or (K + 1,)."""
    return np.concatenate([rows[1:], rows[:1]]), 'background last'


def _to_mmdet_deltas(rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Rows of deltas, (4K + 4, D) or (4K + 4,), to (4K, D) or (4K,)."""
    stds = np.resize(_TARGET_STDS, len(rows) - 4)
    scaled = rows[4:] / stds.reshape(-1, *[1] * (rows.ndim - 1))
    return scaled.astype(np.float32), (
        f'background dropped, / {" ".join(map(str, _TARGET_STDS))}'
    )


_CHANGES = {'cls_score': _background_last, 'bbox_pred': _to_mmdet_deltas}
