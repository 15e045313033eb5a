"""What the machine has: device, memory, disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.finding import Finding, ok, warning

GIB = 2**30


def check_machine() -> Iterator[Finding]:
    """Look at the device that a training would use.

    Yields:
        A line about the device and one about the memory.
    """
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        yield ok(
            'device',
            f'{torch.cuda.device_count()} GPU, the first a '
            f'{torch.cuda.get_device_name()}: {free / GIB:.1f} of '
            f'{total / GIB:.1f} GiB are free',
        )
    else:
        yield ok(
            'device',
            f'CPU, {Count(os.cpu_count() or 1):core}, torch uses '
            f'{Count(torch.get_num_threads()):thread}; torch '
            f'{torch.__version__} finds no GPU',
        )
    memory = available_memory()
    if memory is None:
        yield warning('memory', 'this system does not say how much is free')
    else:
        yield ok('memory', f'{memory / GIB:.1f} GiB are free')


def available_memory() -> int | None:
    """Memory that processes can still have, bytes.

    Returns:
        By Linux' own estimate, and not above the limit of the container;
        None on other systems.
    """
    try:
        lines = Path('/proc/meminfo').read_text().splitlines()
    except OSError:
        return None
    values = dict(line.split(':', 1) for line in lines)
    free = int(values['MemAvailable'].split()[0]) * 1024
    try:
        limit = int(Path('/sys/fs/cgroup/memory.max').read_text())
        used = int(Path('/sys/fs/cgroup/memory.current').read_text())
    except (OSError, ValueError):  # no container, or one without a limit
        return free
    return min(free, limit - used)


def free_disk(folder: Path) -> int:
    """Free bytes of the disk where a folder is, or would be.

    Args:
        folder: It need not exist.

    Returns:
        What a user who is not root can write.
    """
    there = (folder, *folder.absolute().parents)
    return shutil.disk_usage(next(x for x in there if x.exists())).free
