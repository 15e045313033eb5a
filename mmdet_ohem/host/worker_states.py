"""Random states of the processes that read a training's images.

Relies on workers of ``DataLoader`` of torch 2.13: each is forked with the
generators of Python, numpy and torch, calls ``worker_init_fn`` before its
first batch, and ``collate_fn`` as the last step of each batch.
"""

import pickle
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

#: States of one worker, of types that torch loads with its protection on.
States = dict[str, Any]


class BatchWithStates(NamedTuple):
    """What a worker sends.

    Attributes:
        batch: As it was collated.
        states: Of the worker's generators after it, pickled.
    """

    batch: Any
    states: bytes


@dataclass
class CollateWithStates:
    """Collates as before, and adds the worker's random states.

    Attributes:
        collate: What the loader had before.
    """

    collate: Callable[[Any], Any]

    def __call__(self, items: Any) -> BatchWithStates:
        """Collate one batch."""
        batch = self.collate(items)
        states = (random.getstate(), np.random.get_state(), _torch_state())
        # Bytes pass through pin_memory as they are.
        return BatchWithStates(batch, pickle.dumps(states))


@dataclass
class StartWorker:
    """Starts each worker where another one left off.

    The first batch of a new loader goes to its worker 0, but in the training
    that broke off to the worker whose turn it was.

    Attributes:
        init: The loader's ``worker_init_fn``; None if it has none.
        states: Of earlier workers, by their number.
        num_workers: Of the loader.
        num_batches: How many batches were trained on before.
    """

    init: Callable[[int], None] | None
    states: Mapping[int, States]
    num_workers: int
    num_batches: int

    def __call__(self, worker: int) -> None:
        """Set the generators of a worker."""
        earlier = (worker + self.num_batches) % self.num_workers
        if self.init is not None:
            self.init(earlier)
        if earlier in self.states:
            _put_back(self.states[earlier])


def plain(states: bytes) -> States:
    """Unpack what a worker of this very process sent.

    Args:
        states: Of a :class:`BatchWithStates`, never of a file.

    Returns:
        What a checkpoint may hold.
    """
    python, (name, keys, *rest), torch_state = pickle.loads(states)
    return dict(
        python=python,
        numpy=(name, torch.from_numpy(keys.astype(np.int64)), *rest),
        torch=torch.frombuffer(bytearray(torch_state), dtype=torch.uint8),
    )


def _put_back(states: States) -> None:
    random.setstate(states['python'])
    name, keys, *rest = states['numpy']
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'].cpu())


def _torch_state() -> bytes:
    # A tensor would travel through shared memory.
    return torch.get_rng_state().numpy().tobytes()
