"""Read numbers from a pickle without running code of the file.

Relies on how torch 2.13 and numpy 1 and 2 pickle tensors and arrays, outside
of ``torch.save``: by ``_rebuild_tensor_v2`` with ``_load_from_bytes``, and by
``_reconstruct``, ``scalar`` and ``_frombuffer``.
"""

import io
import pickle
from typing import Any, BinaryIO

import torch

# numpy 2 has renamed the module; both names occur in files.
_NUMPY = ('numpy._core', 'numpy.core')
# Plain types that old protocols, as mmengine's, write by their names.
_PLAIN = ('bytes', 'bytearray', 'complex', 'set', 'frozenset')
#: What rebuilds numbers; none of them runs code of the file.
_ALLOWED = {
    ('torch._utils', '_rebuild_tensor_v2'),
    ('torch', 'Size'),
    ('torch', 'device'),
    ('collections', 'OrderedDict'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('_codecs', 'encode'),
    # The first is the name of Python 2, which pickle translates.
    *(('__builtin__', name) for name in _PLAIN),
    *(('builtins', name) for name in _PLAIN),
    *((f'{core}.multiarray', '_reconstruct') for core in _NUMPY),
    *((f'{core}.multiarray', 'scalar') for core in _NUMPY),
    *((f'{core}.numeric', '_frombuffer') for core in _NUMPY),
}


def load_numbers(file: BinaryIO) -> Any:
    """Unpickle numpy arrays, torch tensors and plain types, nothing else.

    Args:
        file: Open for reading.

    Returns:
        What was pickled.

    Raises:
        ValueError: It holds something else, or is broken.
    """
    try:
        return _Unpickler(file).load()
    except OSError:
        raise
    # A broken pickle raises whatever its bytes happen to ask for.
    except Exception as error:
        raise ValueError(str(error) or repr(error)) from error


class _Unpickler(pickle.Unpickler):
    """Finds what rebuilds numbers only."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('torch.storage', '_load_from_bytes'):
            return _load_storage
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f'it asks for {module}.{name}')
        return super().find_class(module, name)


def _load_storage(data: bytes) -> Any:
    """Stand in for torch's function of this use, which runs any code."""
    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own message advises to load the file without protection.
        raise pickle.UnpicklingError('a tensor holds other things') from error
