"""Time and memory of an iteration, split into its parts."""

import ctypes
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import torch

from mmdet_ohem.benchmark.methods import Method
from mmdet_ohem.benchmark.workload import Workload, random_batch
from mmdet_ohem.host.patching import replaced
from mmdet_ohem.host.roi_heads import samplers_of

#: Parts of an iteration, in the order of the table.
PARTS = ('backbone', 'read-only pass', 'selection', 'training pass')


@dataclass(frozen=True)
class Cost:
    """What an iteration of one method takes.

    Attributes:
        method: Name of one of :func:`methods`.
        seconds: Of each iteration.
        ratios: Of each iteration to that of the first method in the same
            round.
        parts: Median seconds by part.
        peak_bytes: Largest memory of an iteration: resident on CPU,
            allocated on GPU; None where the system does not tell.
    """

    method: str
    seconds: tuple[float, ...]
    ratios: tuple[float, ...]
    parts: dict[str, float]
    peak_bytes: int | None

    @property
    def median(self) -> float:
        """Median seconds of an iteration."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """Median ratio to the first method."""
        return statistics.median(self.ratios)


class Stopwatch:
    """Seconds spent in named parts of an iteration.

    Args:
        device: A GPU is waited for at the ends of each part.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: dict[str, float] = defaultdict(float)

    def now(self) -> float:
        """Seconds of a clock, with the device idle."""
        if self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    @contextmanager
    def listening_to(self, method: Method) -> Any:
        """Time the parts of the iterations in the body.

        Args:
            method: Whose functions are wrapped, and unwrapped at the end.
        """
        (sampler,) = samplers_of(method.roi_head)
        wrapped = [
            (method.detector, 'extract_feat', 'backbone'),
            (sampler, 'sample', 'selection'),
        ]
        readonly = getattr(sampler, 'readonly_head', None)
        if readonly is not None:
            wrapped.append((readonly, 'score', 'read-only pass'))
        with ExitStack() as stack:
            for owner, name, part in wrapped:
                timed = self._timed(getattr(owner, name), part)
                stack.enter_context(replaced(owner, **{name: timed}))
            yield

    def _timed(self, function: Callable, part: str) -> Callable:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            start = self.now()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[part] += self.now() - start

        return timed


def compare_methods(
    detector: Any,
    load: Workload,
    methods: Sequence[str],
    rounds: int,
    device: torch.device,
    on_iter: Callable[[], None] = lambda: None,
) -> list[Cost]:
    """Time methods in turn, so that a drifting machine cancels out.

    Args:
        detector: Shared by all methods; its weights are trained.
        load: Sizes.
        methods: Names of methods; ratios are to the first of them.
        rounds: Iterations of each method, after one of the first method that
            is not measured, and one of each that is not timed and in which
            the peak of the memory is looked for.
        device: Where it runs.
        on_iter: Called after each iteration.

    Returns:
        A cost for each method, in their order.
    """
    batch = random_batch(load, device)
    # Steps so short that the losses stay those of the first iteration. Yet
    # the decay changes each weight, or what is computed of the weights would
    # be found again, which no training does.
    trained = [p for p in detector.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(
        trained, lr=1e-7, momentum=0.9, weight_decay=1.0
    )
    runs = [Method(name, detector, load, optimizer) for name in methods]
    seconds: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, list[dict[str, float]]] = defaultdict(list)
    peaks = _peaks(runs, batch, device, on_iter)
    for _ in range(rounds):
        for run in runs:
            total, found = _time(run, batch, device)
            seconds[run.name].append(total)
            parts[run.name].append(found)
            on_iter()
    first = seconds[runs[0].name]
    return [
        Cost(
            method=name,
            seconds=tuple(seconds[name]),
            ratios=tuple(
                x / y for x, y in zip(seconds[name], first, strict=True)
            ),
            parts={
                part: statistics.median(x[part] for x in parts[name])
                for part in PARTS
            },
            peak_bytes=peaks[name],
        )
        for name in methods
    ]


def _time(
    run: Method, batch: dict, device: torch.device
) -> tuple[float, dict[str, float]]:
    """Seconds of an iteration, and of its parts."""
    watch = Stopwatch(device)
    start = watch.now()
    with watch.listening_to(run):
        run.train_iteration(batch)
    total = watch.now() - start
    return total, _split(total, watch.seconds)


def _split(total: float, found: dict[str, float]) -> dict[str, float]:
    """Parts that do not overlap: sampling includes the read-only pass."""
    readonly = found.get('read-only pass', 0.0)
    sampling, backbone = found['selection'], found['backbone']
    return {
        'backbone': backbone,
        'read-only pass': readonly,
        'selection': sampling - readonly,
        'training pass': total - backbone - sampling,
    }


def _peaks(
    runs: Sequence[Method],
    batch: dict,
    device: torch.device,
    on_iter: Callable[[], None],
) -> dict[str, int | None]:
    """Bytes at the peak of an iteration of each method.

    These iterations are not timed: memory that was given back to the system
    has to be asked for again.
    """
    # The first step allocates the momentum, which is there in all others.
    runs[0].train_iteration(batch)
    on_iter()
    found = {}
    for run in runs:
        _reset_peak(device)
        run.train_iteration(batch)
        found[run.name] = _peak(device)
        on_iter()
    return found


def _reset_peak(device: torch.device) -> None:
    """Forget the peak so far."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        # What other methods freed goes back to the system first.
        ctypes.CDLL('libc.so.6').malloc_trim(0)
        Path('/proc/self/clear_refs').write_text('5')
    except (OSError, AttributeError):
        pass  # not Linux with glibc: _peak says so


def _peak(device: torch.device) -> int | None:
    """Bytes at the peak since :func:`_reset_peak`."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device)
    try:
        status = Path('/proc/self/status').read_text()
    except OSError:
        return None
    found = re.search(r'VmHWM:\s+(\d+) kB', status)
    return int(found[1]) * 1024 if found else None
