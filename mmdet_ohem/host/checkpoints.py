"""Let torch read the checkpoints that mmengine writes.

From torch 2.6 on, ``torch.load`` unpickles only what is on an allow-list.
mmengine 0.10.7 stores its log buffers (``HistoryBuffer``) in every
checkpoint, so that test and resume fail on its own files. Here just the types
of these buffers are put on the list; the protection stays on for all others.

Relies on how pickle writes such a buffer, read in files of mmengine 0.10.7
with numpy 1 and 2: by ``getattr``, ``_reconstruct`` and ``scalar``.
"""

import importlib
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.utils import digit_version


def _history_buffer_attribute(owner: Any, name: str) -> Any:
    """Stand in for the ``getattr`` that a pickled HistoryBuffer asks for.

    Raises:
        TypeError: It is asked for an attribute of anything else: the true
            ``getattr`` would let a file reach any object.
    """
    if owner is not HistoryBuffer or name.startswith('_'):
        raise TypeError(
            f'a checkpoint may read attributes of HistoryBuffer only, not '
            f'{name!r} of {owner!r}'
        )
    return getattr(owner, name)


def allow_mmengine_checkpoints() -> None:
    """Add the types of mmengine's log buffers to torch's allow-list."""
    # Older ones read these files as they are; 2.4 and 2.5 have an allow-list,
    # but one that takes no names: an entry with one fails every later load.
    if digit_version(torch.__version__) < digit_version('2.6'):
        return
    # numpy 2 has renamed the module; both names occur in files.
    core = 'numpy._core' if hasattr(np, '_core') else 'numpy.core'
    multiarray = importlib.import_module(f'{core}.multiarray')
    numpy_dtypes = [
        type(np.dtype(name))
        for name in ('float64', 'float32', 'int64', 'int32', 'bool')
    ]
    # bytes: how an empty array is written.
    numpy_globals: list[Any] = [np.ndarray, np.dtype, *numpy_dtypes, bytes]
    for function in (multiarray._reconstruct, multiarray.scalar):
        for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
            numpy_globals.append((function, f'{module}.{function.__name__}'))
    torch.serialization.add_safe_globals(
        [
            HistoryBuffer,
            *numpy_globals,
            (_history_buffer_attribute, 'builtins.getattr'),
        ]
    )
