"""Which weights a network has, as a short name."""

import hashlib

import torch
from torch import Tensor, nn

# Values of a tensor that are looked at to see whether it has changed.
_PROBED = 64


class WeightsDigest:
    """The name of a network's weights, computed anew when they change.

    Hashing the 59 MB of VGG16's convolutions takes .1 s, too long for each
    iteration. In between, 64 values of each tensor are compared; that finds
    every optimizer step, loaded checkpoint and moving average, since they
    change nearly all values.

    Args:
        net: The network, its parameters and its buffers.
    """

    def __init__(self, net: nn.Module) -> None:
        self._net = net
        self._looks: tuple | None = None
        self._digest = ''

    def __call__(self) -> str:
        """The name, 16 hexadecimal characters."""
        looks = tuple(
            (name, _probe(tensor)) for name, tensor in self._tensors()
        )
        if looks != self._looks:
            self._digest = self._compute()
            self._looks = looks
        return self._digest

    def _tensors(self) -> list[tuple[str, Tensor]]:
        return [*self._net.state_dict(keep_vars=True).items()]

    def _compute(self) -> str:
        # Not by repr(net), which has the init_cfg of mmengine's modules.
        layers = [
            f'{name} {type(layer).__name__} {layer.extra_repr()}'
            for name, layer in self._net.named_modules()
        ]
        found = hashlib.sha256('\n'.join(layers).encode())
        for name, tensor in self._tensors():
            values = tensor.detach().cpu().contiguous()
            found.update(f'{name} {values.dtype} {values.shape}'.encode())
            found.update(values.flatten().view(torch.uint8).numpy().data)
        return found.hexdigest()[:16]


def _probe(tensor: Tensor) -> tuple[float, ...]:
    """Some values, from the beginning to the end."""
    values = tensor.detach().flatten()
    step = max(len(values) // _PROBED, 1)
    return tuple(values[::step].tolist())
