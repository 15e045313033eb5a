"""Read and write checkpoints: weights, and nothing that runs.

``torch.load(weights_only=True)`` unpickles only what is on an allow-list.
mmengine 0.10.7 stores its log buffers (``HistoryBuffer``) in every
checkpoint, so that test and resume would fail on its own files: the types of
these buffers are put on the list here. mmengine itself reads some files
without that protection: all of them with torch before 2.6, and what it
fetches from the network with any. :func:`protect_mmengine` mends that.

Relies on how pickle writes such a buffer, read in files of mmengine 0.10.7
with numpy 1 and 2: by ``getattr``, ``_reconstruct`` and ``scalar``; on the
allow-list, which torch 2.4 and 2.13 look up by the ``__module__`` and name of
its entries; and on mmengine's ``load_url``, through which it fetches.
"""

import functools
import importlib
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from mmdet_ohem.host.checkpoint_claims import refuse_claims
from mmdet_ohem.host.files import replacing
from mmdet_ohem.host.pickled_values import bytes_of_text
from mmdet_ohem.host.torchvision_weights import use_torch_hub

# Where torch's message says what the file asks for.
_ASKED = re.compile(r'GLOBAL (\S+)|function (.+?)(?: which|$)')


class UnsafeCheckpointError(ValueError):
    """A checkpoint asks for what could run code; the message names both."""


def read_checkpoint(
    path: str | os.PathLike[str], map_location: Any = 'cpu'
) -> Any:
    """Read a file of ``torch.save`` without running anything of it.

    Args:
        path: The file.
        map_location: As for ``torch.load``.

    Returns:
        What was saved: tensors, plain values, and what a checkpoint of
        mmengine holds.

    Raises:
        FileNotFoundError: There is no such file.
        UnsafeCheckpointError: It asks for any other class or function.
        ValueError: It is damaged, or asks for more memory than it holds.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'checkpoint {path} cannot be found. Remedy: correct the path'
        )
    refuse_claims(path)
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message advises to load the file without protection.
        text = str(error)
        asked = _ASKED.search(text)
        what = next(filter(None, asked.groups())) if asked else None
        raise UnsafeCheckpointError(
            f'{path} asks for {what or text.partition(chr(10))[0]}, which is '
            'neither a weight nor a plain value: it could run code. Nothing '
            'was run. Remedy: get its weights alone from someone you trust, '
            'or, if you trust the file and the class, allow it with '
            'torch.serialization.add_safe_globals in a module that the '
            "config's custom_imports names"
        ) from error


def write_checkpoint(path: str | os.PathLike[str], content: Any) -> None:
    """Write a file by ``torch.save`` in one step.

    Args:
        path: The file; missing folders are made. The same content gives the
            same bytes, whatever the file is called.
        content: What is saved.

    Raises:
        OSError: It cannot be written, for example since the disk is full; the
            error names ``path``.
    """
    # An open file: torch writes the name of a path into the archive.
    with replacing(path) as temporary, temporary.open('wb') as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # torch's own words hide what the system said.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def _load_from_local(filename: str, map_location: Any = None) -> Any:
    """Read a file for mmengine; its log calls the loader by its name."""
    return read_checkpoint(filename, map_location)


_load_from_local.__name__ = 'load_from_local'


def protect_mmengine() -> None:
    """Let mmengine read all checkpoints by :func:`read_checkpoint`.

    Those that it fetches are read by torch itself, with the protection on.
    """
    allow_mmengine_checkpoints()
    CheckpointLoader.register_scheme('', _load_from_local, force=True)
    use_torch_hub()
    fetch = mmengine_checkpoint.load_url
    # Once is enough, also when the module is loaded again.
    if not isinstance(fetch, functools.partial):
        mmengine_checkpoint.load_url = functools.partial(
            fetch, weights_only=True
        )


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


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function that the allow-list knows by another name.

    torch 2.4 and 2.5 take no names beside the entries, and fail at every
    later load where they get one.
    """

    def named(*args: Any) -> Any:
        return function(*args)

    named.__module__, _, named.__name__ = name.rpartition('.')
    named.__qualname__ = named.__name__
    return named


@functools.cache
def _buffer_globals() -> list[Any]:
    """What mmengine's log buffers ask for."""
    # numpy 2 has renamed the module; both names occur in files.
    core = 'numpy._core' if hasattr(np, '_core') else 'numpy.core'
    multiarray = importlib.import_module(f'{core}.multiarray')
    numpy_dtypes = [
        type(np.dtype(name))
        for name in ('float64', 'float32', 'int64', 'int32', 'bool')
    ]
    # bytes: how an empty array is written.
    found: list[Any] = [np.ndarray, np.dtype, *numpy_dtypes, bytes]
    for function in (multiarray._reconstruct, multiarray.scalar):
        for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
            found.append(_named(function, f'{module}.{function.__name__}'))
    return [
        HistoryBuffer,
        *found,
        _named(_history_buffer_attribute, 'builtins.getattr'),
        # How bytes are written, which torch 2.4's own list lacks.
        _named(bytes_of_text, '_codecs.encode'),
    ]


def allow_mmengine_checkpoints() -> None:
    """Add the types of mmengine's log buffers to torch's allow-list.

    Raises:
        ImportError: torch is too old to have one.
    """
    if not hasattr(torch.serialization, 'add_safe_globals'):
        raise ImportError(
            f'torch {torch.__version__} has no list of what a checkpoint may '
            "hold. Remedy: pip install 'torch>=2.4'"
        )
    torch.serialization.add_safe_globals(_buffer_globals())
