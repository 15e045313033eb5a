"""Numbers as 8-bit integers times a step, and linear layers on them.

Shapes: ``R`` rows, ``K`` inputs and ``N`` outputs of a layer.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from mmdet_ohem.host.int8 import largest_int8_weight, multiply_int8

#: Inputs of a layer up to which a sum of products, at most 255 * 127 each,
#: stays in 32 bits.
MAX_INPUTS = 2**16
# Numbers that are rounded at a time: what is in between fits into the cache of
# a core.
_NUMBERS_AT_ONCE = 2**17
# Outputs whose weights are rounded at a time, which bounds the memory.
_OUTPUTS_AT_ONCE = 512
_SMALLEST_STEP = 1e-30


class Quantized(NamedTuple):
    """Numbers, about ``values * step``.

    Attributes:
        values: uint8 where no number is below 0, else int8; shape (R, K).
        step: Of each row, float32, shape (R, 1); or of all, shape ().
    """

    values: Tensor
    step: Tensor


class QuantizedWeights(NamedTuple):
    """Weights of some outputs of a layer, about ``values * step``.

    Attributes:
        values: int8, shape (N, K); the largest of an output is 127, or 64
            where the hardware is exact up to that.
        step: Of each output, float32, shape (N,).
        sums: Of the values of each output, int32, shape (N,).
    """

    values: Tensor
    step: Tensor
    sums: Tensor


def quantize_map(feats: Tensor) -> Quantized | None:
    """Round a feature map, all of it by one step.

    Rounding commutes with the maximum: what is pooled from the values is what
    rounding after the pooling would give.

    Args:
        feats: Of any shape, not empty.

    Returns:
        uint8, in the memory format of ``feats``; None where a number is below
        0 or not finite.
    """
    low, high = feats.amin(), feats.amax()
    if not (low >= 0 and high.isfinite()):
        return None
    step = (high.float() / 255).clamp(min=_SMALLEST_STEP)
    return Quantized((feats / step).round_().to(torch.uint8), step)


def quantize_rows(x: Tensor) -> Quantized:
    """Round rows of numbers, each by a step of its own.

    Args:
        x: Shape (R, K). A row with a number that is not finite gets a step
            that is not, either.

    Returns:
        Of the same shape. A row of zeros stays one.
    """
    signed = bool((x < 0).any())
    levels, dtype = (127, torch.int8) if signed else (255, torch.uint8)
    values = torch.empty_like(x, dtype=dtype)
    step = x.new_empty(len(x), 1, dtype=torch.float32)
    for part in _blocks(len(x), x.shape[1]):
        block = x[part].float()
        largest = block.abs().amax(1, keepdim=True)
        step[part] = (largest / levels).clamp(min=_SMALLEST_STEP)
        values[part] = (block / step[part]).round_().to(dtype)
    return Quantized(values, step)


def quantize_weights(weight: Tensor) -> Iterator[QuantizedWeights]:
    """Round the weights of a layer, each output by a step of its own.

    Args:
        weight: Shape (N, K), floating point.

    Yields:
        Those of the next 512 outputs.
    """
    for start in range(0, len(weight), _OUTPUTS_AT_ONCE):
        yield _quantize_outputs(weight[start : start + _OUTPUTS_AT_ONCE])


def quantized_linear(
    x: Quantized,
    weights: Iterable[QuantizedWeights],
    num_outputs: int,
    bias: Tensor | None = None,
    scale: float = 1.0,
) -> Tensor:
    """A linear layer on integers.

    Exact where inputs and weights are multiples of their steps.

    Args:
        x: R rows of K numbers, K at most :data:`MAX_INPUTS`.
        weights: Of N outputs, as :func:`quantize_weights` gives them.
        num_outputs: N.
        bias: Shape (N,).
        scale: Inputs count times this number.

    Returns:
        Shape (R, N), float32.
    """
    values = x.values
    # The product takes int8 alone: 128 is subtracted here, and added to what
    # comes out.
    shifted = values.dtype == torch.uint8
    if shifted:
        values = (values ^ 128).view(torch.int8)
    out = torch.empty(
        len(values), num_outputs, dtype=torch.float32, device=values.device
    )
    start = 0
    for some in weights:
        product = multiply_int8(values, some.values)
        if shifted:
            product += 128 * some.sums
        end = start + len(some.step)
        out[:, start:end] = product.float().mul_(some.step * scale)
        start = end
    out *= x.step
    return out if bias is None else out.add_(bias)


class KeptWeights:
    """Weights as integers, kept until the weights change.

    Images of one batch are scored with the same weights. Those of the largest
    layers are not kept, which would cost more memory than it saves time.

    A copy starts empty, and nothing of it is pickled.
    """

    #: Bytes in all.
    max_bytes = 2**26
    # Hardly any weight stays as it is in a step of an optimizer.
    _num_compared = 4096

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Tensor, list[QuantizedWeights]]] = {}

    def __reduce__(self) -> tuple:
        """Of what a copy is made: nothing."""
        return type(self), ()

    def of(self, name: str, weight: Tensor) -> Iterable[QuantizedWeights]:
        """The weights of a layer as integers.

        Args:
            name: Of the layer.
            weight: Shape (N, K).

        Returns:
            As of :func:`quantize_weights`.
        """
        sample = self._sample(weight)
        if name in self._kept:
            before, blocks = self._kept[name]
            if before.equal(sample):
                return blocks
            del self._kept[name]
        bytes_kept = sum(
            block.values.numel()
            for _, blocks in self._kept.values()
            for block in blocks
        )
        if bytes_kept + weight.numel() > self.max_bytes:
            return quantize_weights(weight)
        blocks = list(quantize_weights(weight))
        self._kept[name] = sample, blocks
        return blocks

    def _sample(self, weight: Tensor) -> Tensor:
        """Some weights, spread over all of them, and their number."""
        generator = torch.Generator().manual_seed(0)
        inds = torch.randint(
            weight.numel(), (self._num_compared,), generator=generator
        )
        found = weight.detach().flatten()[inds.to(weight.device)]
        return torch.cat([found, found.new_tensor([*weight.shape])])


def _quantize_outputs(weight: Tensor) -> QuantizedWeights:
    """Round the weights of some outputs, shape (N, K)."""
    num_outputs, num_inputs = weight.shape
    # Where products are not fast they are exact with any weight.
    levels = largest_int8_weight(weight.device) or 127
    values = torch.empty_like(weight, dtype=torch.int8)
    step = weight.new_empty(num_outputs, dtype=torch.float32)
    sums = torch.empty_like(step, dtype=torch.int32)
    buffer = torch.empty_like(weight[: _rows(num_inputs)], dtype=torch.float32)
    for part in _blocks(num_outputs, num_inputs):
        block = weight[part].float()
        scaled = buffer[: len(block)]
        largest = torch.abs(block, out=scaled).amax(1)
        step[part] = (largest / levels).clamp(min=_SMALLEST_STEP)
        torch.mul(block, step[part, None].reciprocal(), out=scaled).round_()
        values[part] = scaled
        # Whole numbers below 2 ** 24: exact in float32, in any order.
        sums[part] = scaled.sum(1).int()
    return QuantizedWeights(values, step, sums)


def _blocks(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Rows that are rounded at a time."""
    rows = _rows(num_columns)
    for start in range(0, num_rows, rows):
        yield slice(start, start + rows)


def _rows(num_columns: int) -> int:
    """How many rows of so many numbers are rounded at a time."""
    return max(_NUMBERS_AT_ONCE // max(num_columns, 1), 1)
