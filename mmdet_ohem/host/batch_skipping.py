"""A training goes on at a batch without reading those before it.

Relies on ``IterBasedTrainLoop`` of mmengine 0.10.7 taking its batches from
``dataloader_iterator``, where it resumes as many as were trained on first;
on ``Runner.build_dataloader`` building samplers from ``DATA_SAMPLERS`` with
``dataset`` and ``seed``; on ``InfiniteSampler`` drawing from a generator of
its own; and on ``DataLoader`` of torch 2.13 handing batch ``i`` to worker
``i`` modulo their number, and keeping persistent workers in ``_iterator``.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.registry import DATA_SAMPLERS
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import BatchSampler, DataLoader

from mmdet_ohem.host.worker_states import (
    BatchWithStates,
    CollateWithStates,
    StartWorker,
    States,
    plain,
)


class NumberedBatches:
    """Batches of a training from any number on.

    Args:
        loader: To read from; its first batch is that of ``num_skipped``.
        num_skipped: How many ``None`` come first, for the loop to skip.
    """

    def __init__(self, loader: DataLoader, num_skipped: int) -> None:
        self._num_workers = loader.num_workers
        self._number = num_skipped
        self._left = num_skipped
        self._states: dict[int, bytes] = {}
        # Starting workers draws from torch's generator, which the training
        # has drawn from for this purpose already.
        state = torch.get_rng_state()
        self._iterator = iter(loader)
        torch.set_rng_state(state)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        if self._left:
            self._left -= 1
            return None
        batch = next(self._iterator)
        if isinstance(batch, BatchWithStates):
            self._states[self._number % self._num_workers] = batch.states
            batch = batch.batch
        self._number += 1
        return batch

    def worker_states(self) -> dict[int, States]:
        """Random states of the workers after their last batch, by number."""
        return {i: plain(states) for i, states in self._states.items()}


def can_skip(runner: Runner) -> bool:
    """Whether a training knows its batches without reading them.

    Args:
        runner: Of a training, in its hooks' ``before_train`` or later.

    Returns:
        Whether it counts iterations, draws from an ``InfiniteSampler`` that
        mmengine built, and uses the same seed in all processes.
    """
    loop = runner.train_loop
    config = runner._train_dataloader
    if type(loop) is not IterBasedTrainLoop or not isinstance(config, Mapping):
        return False
    batch_sampler = loop.dataloader.batch_sampler
    is_infinite = isinstance(
        getattr(batch_sampler, 'sampler', None), InfiniteSampler
    )
    is_built = all(
        isinstance(config.get(key, {}), Mapping)
        for key in ('sampler', 'batch_sampler')
    )
    same_seed = not runner._randomness_cfg.get('diff_rank_seed', False)
    return is_infinite and is_built and same_seed


def begin_at(
    runner: Runner, num_batches: int, states: Mapping[int, States]
) -> NumberedBatches:
    """Have a training loop begin at a batch.

    Args:
        runner: For which :func:`can_skip` holds, in ``before_train``.
        num_batches: How many batches were trained on before, and are skipped.
        states: Of the workers then, by number; workers without start as at
            the beginning.

    Returns:
        What the loop reads from now on.
    """
    loop = runner.train_loop
    loader = loop.dataloader
    # The workers that the loop started have read the first batches: stop
    # them before others start.
    loop.dataloader_iterator = None
    loader._iterator = None
    indices = islice(iter(_fresh_batch_sampler(runner)), num_batches, None)
    batches = NumberedBatches(
        _reading(loader, indices, num_batches, states), num_batches
    )
    loop.dataloader_iterator = batches
    return batches


class _Continued:
    """A batch sampler that goes on where an iterator is."""

    def __init__(self, indices: Iterator[list[int]]) -> None:
        self._indices = indices

    def __iter__(self) -> Iterator[list[int]]:
        return self._indices


def _fresh_batch_sampler(runner: Runner) -> Any:
    """The batch sampler of a training, before it drew anything."""
    config: Mapping[str, Any] = runner._train_dataloader
    loader = runner.train_loop.dataloader
    sampler = DATA_SAMPLERS.build(
        dict(config['sampler']),
        default_args=dict(dataset=loader.dataset, seed=runner.seed),
    )
    if config.get('batch_sampler') is None:
        size = config['batch_size']
        return BatchSampler(sampler, size, config.get('drop_last', False))
    return DATA_SAMPLERS.build(
        dict(config['batch_sampler']),
        default_args=dict(sampler=sampler, batch_size=config['batch_size']),
    )


def _reading(
    loader: DataLoader,
    indices: Iterator[list[int]],
    num_batches: int,
    states: Mapping[int, States],
) -> DataLoader:
    """A loader like another one that reads these batches."""
    keys: dict[str, Any] = dict(collate_fn=loader.collate_fn)
    if loader.num_workers:
        keys = dict(
            collate_fn=CollateWithStates(loader.collate_fn),
            worker_init_fn=StartWorker(
                loader.worker_init_fn, states, loader.num_workers, num_batches
            ),
            timeout=loader.timeout,
            prefetch_factor=loader.prefetch_factor,
            multiprocessing_context=loader.multiprocessing_context,
        )
    return DataLoader(
        loader.dataset,
        batch_sampler=_Continued(indices),
        num_workers=loader.num_workers,
        pin_memory=loader.pin_memory,
        generator=loader.generator,
        **keys,
    )
