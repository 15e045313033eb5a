"""Runs a function over many items on a Dask cluster.

Only this process, the client, writes files: workers send back what they
found. Dask gives the work of a worker that died to another one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import cv2

from mmdet_ohem.proposals.workers import Outcome, call

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar('Item')
Output = TypeVar('Output')

#: How long is waited for the scheduler, and for its first worker, seconds.
PATIENCE = 60


def run_on_cluster(
    function: Callable[[Item], Output],
    items: Mapping[str, Item],
    address: str,
) -> Iterator[Outcome[Output]]:
    """Applies a function to every item; yields them as they finish.

    Args:
        function: A picklable function of one item. Workers import its module.
        items: Picklable items by name.
        address: Of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Yields:
        One outcome per item. An exception, and an item whose workers die
        again and again, is an error that keeps no other from being done.

    Raises:
        ImportError: Dask is not installed.
        OSError: No scheduler answers there, or it has no worker.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            "a cluster needs Dask: pip install 'mmdet-ohem[cluster]', here "
            'and on the workers'
        ) from error
    with _client(Client, address) as client:
        waiting = iter(items.items())
        names: dict[Any, str] = {}
        finished = as_completed(loop=client.loop)
        try:
            while True:
                # Some for each thread, so that none waits for work.
                room = 3 * sum(client.nthreads().values()) + 1 - len(names)
                for name, item in itertools.islice(waiting, max(room, 0)):
                    future = client.submit(_work, function, item, pure=False)
                    names[future] = name
                    finished.add(future)
                if not names:
                    return
                future = next(finished)
                yield Outcome(names.pop(future), *_result(future))
        finally:
            client.cancel(list(names))


def _client(kind: type[Client], address: str) -> Client:
    """Connects to a scheduler that has a worker."""
    try:
        client = kind(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise OSError(
            f'no Dask scheduler answers at {address} ({error}). Remedy: give '
            'the address that dask scheduler prints, such as '
            'tcp://10.0.0.1:8786'
        ) from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise OSError(
            f'the Dask scheduler at {address} has no worker. Remedy: start '
            f'some by dask worker {address}, in this environment'
        ) from None
    return client


def _result(future: Any) -> tuple[Any, str]:
    """What became of an item."""
    try:
        return future.result()
    # Dask raises what a worker raised, and errors of its own.
    except Exception as error:
        return None, f'{type(error).__name__}: {error}'


def _work(
    function: Callable[[Item], Output], item: Item
) -> tuple[Output | None, str]:
    """Calls the function in a worker."""
    # One thread for each of the worker's.
    cv2.setNumThreads(1)
    return call(function, item)
