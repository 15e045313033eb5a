"""Both networks as published: a list of layers, run in Caffe's arithmetic.

Written from the published definitions, beside and not from the classes under
test: names are Caffe's, sums and windows are spelt out.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Blobs = Mapping[str, Sequence[np.ndarray]]

# conv: channels, kernel, stride, padding; norm: size, alpha, beta, k; pool:
# kernel, stride; roi_pool: bins a side.
VGG16: list[tuple[Any, ...]] = [
    *[('conv', 'conv1_1', 64, 3, 1, 1), ('conv', 'conv1_2', 64, 3, 1, 1)],
    ('pool', 2, 2),
    *[('conv', 'conv2_1', 128, 3, 1, 1), ('conv', 'conv2_2', 128, 3, 1, 1)],
    ('pool', 2, 2),
    *[('conv', f'conv3_{i}', 256, 3, 1, 1) for i in (1, 2, 3)],
    ('pool', 2, 2),
    *[('conv', f'conv4_{i}', 512, 3, 1, 1) for i in (1, 2, 3)],
    ('pool', 2, 2),
    *[('conv', f'conv5_{i}', 512, 3, 1, 1) for i in (1, 2, 3)],
    ('roi_pool', 7),
]
VGG_M: list[tuple[Any, ...]] = [
    ('conv', 'conv1', 96, 7, 2, 0),
    ('norm', 5, 5e-4, 0.75, 2.0),
    ('pool', 3, 2),
    ('conv', 'conv2', 256, 5, 2, 1),
    ('norm', 5, 5e-4, 0.75, 2.0),
    ('pool', 3, 2),
    ('conv', 'conv3', 512, 3, 1, 1),
    ('conv', 'conv4', 512, 3, 1, 1),
    ('conv', 'conv5', 512, 3, 1, 1),
    ('roi_pool', 6),
]
PUBLISHED = {'vgg16': VGG16, 'vgg_m': VGG_M}


def random_blobs(
    net: str, fc_widths: tuple[int, int], num_outputs: int = 0, seed: int = 0
) -> dict[str, list[np.ndarray]]:
    """He-initialised weights and small biases of all layers.

    Args:
        net: Key of ``PUBLISHED``.
        fc_widths: Of fc6 and fc7.
        num_outputs: Classes with background; 0 leaves the outputs away.
        seed: Of the weights.
    """
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {}
    channels, bins = 3, 0
    for kind, *args in PUBLISHED[net]:
        if kind == 'conv':
            name, outputs, kernel = args[:3]
            shapes[name] = (outputs, channels, kernel, kernel)
            channels = outputs
        elif kind == 'roi_pool':
            bins = args[0]
    shapes['fc6'] = (fc_widths[0], channels * bins * bins)
    shapes['fc7'] = (fc_widths[1], fc_widths[0])
    if num_outputs:
        shapes['cls_score'] = (num_outputs, fc_widths[1])
        shapes['bbox_pred'] = (4 * num_outputs, fc_widths[1])
    blobs = {}
    for name, shape in shapes.items():
        spread = (2 / np.prod(shape[1:])) ** 0.5
        weight = rng.standard_normal(shape, np.float32) * np.float32(spread)
        bias = 0.1 * rng.standard_normal(shape[:1], np.float32)
        blobs[name] = [weight, bias]
    return blobs


def run_layers(
    net: str, blobs: Blobs, img: Tensor, rois: Tensor
) -> dict[str, Tensor]:
    """Run the list of layers.

    Args:
        net: Key of ``PUBLISHED``.
        blobs: Layer -> weight and bias.
        img: Shape (N, 3, H, W).
        rois: (image index, x1, y1, x2, y2) in pixels, corners inclusive,
            shape (R, 5).

    Returns:
        ``conv5``, ``fc7`` and, where ``blobs`` has them, the outputs.
    """
    x, out = img, {}
    for kind, *args in PUBLISHED[net]:
        if kind == 'conv':
            weight, bias = map(torch.from_numpy, blobs[args[0]])
            x = F.conv2d(x, weight, bias, args[3], args[4]).relu()
        elif kind == 'norm':
            x = across_channels(x, *args)
        elif kind == 'pool':
            x = caffe_max_pool(x, *args)
        else:
            out['conv5'] = x
            x = caffe_roi_pool(x, rois, args[0]).flatten(1)
    for name in ('fc6', 'fc7'):
        weight, bias = map(torch.from_numpy, blobs[name])
        x = (x @ weight.T + bias).relu()
    out['fc7'] = x
    for name in ('cls_score', 'bbox_pred'):
        if name in blobs:
            weight, bias = map(torch.from_numpy, blobs[name])
            out[name] = x @ weight.T + bias
    return out


def across_channels(
    x: Tensor, size: int, alpha: float, beta: float, k: float
) -> Tensor:
    """Local response normalisation, one channel after the other."""
    result = torch.empty_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(c - size // 2, 0) : c + size // 2 + 1]
        scale = k + alpha / size * (near**2).sum(1)
        result[:, c] = x[:, c] / scale**beta
    return result


def caffe_max_pool(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Max pooling without padding; the number of windows is rounded up."""
    height, width = (-(-(s - kernel) // stride) + 1 for s in x.shape[2:])
    rows = []
    for i in range(height):
        top = i * stride
        cells = [
            x[:, :, top : top + kernel, j * stride : j * stride + kernel]
            for j in range(width)
        ]
        rows.append(torch.stack([cell.amax((2, 3)) for cell in cells], -1))
    return torch.stack(rows, -2)


def caffe_roi_pool(x: Tensor, rois: Tensor, bins: int) -> Tensor:
    """RoI max pooling at 1/16, bin by bin."""
    result = x.new_zeros(len(rois), x.shape[1], bins, bins)
    height, width = x.shape[2:]
    for r, (image, *corners) in enumerate(rois.tolist()):
        left, top, right, bottom = (
            int(np.floor(corner / 16 + 0.5)) for corner in corners
        )
        rows = _bin_edges(top, bottom, bins, height)
        columns = _bin_edges(left, right, bins, width)
        for i, (y1, y2) in enumerate(rows):
            for j, (x1, x2) in enumerate(columns):
                cells: Any = x[int(image), :, y1:y2, x1:x2]
                if cells.numel():
                    result[r, :, i, j] = cells.amax((1, 2))
    return result


def _bin_edges(
    first: int, last: int, bins: int, num_cells: int
) -> list[tuple[int, int]]:
    length = np.float32(max(last - first + 1, 1)) / np.float32(bins)
    edges = []
    for i in range(bins):
        start = int(np.floor(np.float32(i) * length)) + first
        end = int(np.ceil(np.float32(i + 1) * length)) + first
        edges.append(
            (min(max(start, 0), num_cells), min(max(end, 0), num_cells))
        )
    return edges
