"""The detections that a test kept."""

from pathlib import Path
from typing import Any

from mmdet_ohem.host.safe_pickle import read_pickles

#: Where ``mim test --out`` is told to write them, in the folder of the run.
DETECTIONS = Path('test', 'detections.pkl')
_REMEDY = (
    'delete it, and let mim test write it again with --out; a file of unknown '
    'origin may hold code'
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
    (found,) = read_pickles(path, remedy=_REMEDY)
    if not isinstance(found, list) or not all(
        isinstance(x, dict) and {'img_path', 'pred_instances'} <= x.keys()
        for x in found
    ):
        raise ValueError(
            f'{path} holds no detections of images. Remedy: {_REMEDY}'
        )
    return found
