"""How much memory tensors take."""

from collections.abc import Callable
from typing import Any
from weakref import finalize

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class MemoryMeter(TorchDispatchMode):
    """The most bytes that new tensors took at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, int] = {}
        self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.count(tensor.untyped_storage())
        self.peak = max(self.peak, sum(self.held.values()))
        return result

    def count(self, storage: Any) -> None:
        if storage.data_ptr() not in self.held:
            self.held[storage.data_ptr()] = storage.nbytes()
            finalize(storage, self.held.pop, storage.data_ptr(), None)


def peak_bytes(function: Callable[[], object]) -> int:
    with MemoryMeter() as meter:
        function()
    return meter.peak
