"""Runs a function over many items in processes that may die."""

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Generic, NamedTuple, TypeVar

import cv2

Item = TypeVar('Item')
Output = TypeVar('Output')


class Outcome(NamedTuple, Generic[Output]):
    """What became of one item; ``error`` is empty when all went well."""

    name: str
    output: Output | None
    error: str


def run_in_workers(
    function: Callable[[Item], Output],
    items: Mapping[str, Item],
    num_workers: int,
) -> Iterator[Outcome[Output]]:
    """Applies a function to every item; yields them as they finish.

    A process that dies, out of memory say, takes down its pool and with it
    the other items in work. Each of them is then run again in a process of
    its own, so that only the one that kills its process fails.

    Args:
        function: A picklable function of one item.
        items: Picklable items by name.
        num_workers: Number of processes. 1 works in this very process, where
            nothing catches its death.

    Yields:
        One outcome per item. An exception is an error like the death of the
        process: neither keeps the others from being done.
    """
    if num_workers == 1:
        for name, item in items.items():
            yield Outcome(name, *call(function, item))
        return
    waiting = dict(items)
    while waiting:
        suspects = yield from _run_pool(function, waiting, num_workers)
        for name in suspects:
            alone = {name: waiting.pop(name)}
            if (yield from _run_pool(function, alone, 1)):
                yield Outcome(
                    name, None, 'its process died twice, out of memory maybe'
                )


def _run_pool(
    function: Callable[[Item], Output],
    waiting: dict[str, Item],
    num_workers: int,
) -> Generator[Outcome[Output], None, list[str]]:
    """Takes items off ``waiting`` until none is left or the pool breaks.

    Returns:
        The items that were in work when the pool broke, still in ``waiting``.
    """
    names = iter(list(waiting))
    in_work: dict[Future[tuple[Output | None, str]], str] = {}
    context = _context()
    pool = ProcessPoolExecutor(num_workers, context, _start_worker)
    try:
        while True:
            # Two items per process: busy, and few to do again.
            room = 2 * num_workers - len(in_work)
            for name in itertools.islice(names, room):
                future = pool.submit(call, function, waiting[name])
                in_work[future] = name
            if not in_work:
                return []
            done, _ = wait(in_work, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                name = in_work.pop(future)
                del waiting[name]
                yield Outcome(name, *result)
    except BrokenProcessPool:
        return list(in_work.values())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def call(
    function: Callable[[Item], Output], item: Item
) -> tuple[Output | None, str]:
    """Calls a function; errors travel as text, which always pickles.

    Args:
        function: Of one item.
        item: What it is given.

    Returns:
        What it returns, or None, and its error, or nothing.
    """
    try:
        return function(item), ''
    except Exception as error:
        return None, f'{type(error).__name__}: {error}'


def _context() -> BaseContext:
    """How processes start: clean ones, that share the slow imports.

    A fork would copy the locks of this process's threads (OpenCV's, the
    progress bar's) in the state that they happen to be in.
    """
    if 'forkserver' not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    return context


def _start_worker() -> None:
    """Prepares a worker process."""
    # Ctrl-C goes to all; the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One thread each: the processes fill the cores.
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: BaseProcess) -> None:
    """Ends this process when its parent was killed: no orphans stay."""
    parent.join()
    os._exit(1)
