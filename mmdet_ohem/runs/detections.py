"""The detections that a test kept."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

#: Where ``mim test --out`` is told to write them, in the folder of the run.
DETECTIONS = Path('test', 'detections.pkl')
#: What rebuilds numbers; none of them runs code of the file.
_NUMPY = ('numpy._core', 'numpy.core')
_ALLOWED = {
    ('torch._utils', '_rebuild_tensor_v2'),
    ('torch', 'Size'),
    ('torch', 'device'),
    ('collections', 'OrderedDict'),
    ('numpy', 'ndarray'),
    ('numpy', 'dtype'),
    ('_codecs', 'encode'),
    *((f'{core}.multiarray', '_reconstruct') for core in _NUMPY),
    *((f'{core}.multiarray', 'scalar') for core in _NUMPY),
    *((f'{core}.numeric', '_frombuffer') for core in _NUMPY),
}
_REMEDY = (
    'Remedy: delete it, and let mim test write it again with --out; a file '
    'of unknown origin may hold code'
)


def read_detections(path: Path) -> list[dict[str, Any]]:
    """Read what ``mim test --out`` wrote, without running code of the file.

    Args:
        path: The file.

    Returns:
        A dict an image: ``img_path`` and ``pred_instances`` with ``bboxes``
        (xyxy, pixels of the image), ``scores`` and ``labels``.

    Raises:
        ValueError: The file is broken, or holds more than numpy arrays, torch
            tensors and plain types.
    """
    try:
        with path.open('rb') as file:
            found = _Unpickler(file).load()
    except OSError:
        raise
    # A broken pickle raises whatever its bytes happen to ask for.
    except Exception as error:
        raise ValueError(
            f'{path} cannot be read as detections ({error}). {_REMEDY}'
        ) from error
    if not isinstance(found, list) or not all(
        isinstance(x, dict) and {'img_path', 'pred_instances'} <= x.keys()
        for x in found
    ):
        raise ValueError(f'{path} holds no detections of images. {_REMEDY}')
    return found


class _Unpickler(pickle.Unpickler):
    """Rebuilds numpy arrays, torch tensors and plain types only."""

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
