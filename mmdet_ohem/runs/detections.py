"""The detections that a test kept."""

from pathlib import Path
from typing import Any

from mmdet_ohem.host.number_pickles import load_numbers

#: Where ``mim test --out`` is told to write them, in the folder of the run.
DETECTIONS = Path('test', 'detections.pkl')
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
            found = load_numbers(file)
    except ValueError as error:
        raise ValueError(
            f'{path} cannot be read as detections ({error}). {_REMEDY}'
        ) from error
    if not isinstance(found, list) or not all(
        isinstance(x, dict) and {'img_path', 'pred_instances'} <= x.keys()
        for x in found
    ):
        raise ValueError(f'{path} holds no detections of images. {_REMEDY}')
    return found
