"""The entries of a proposal file, and what is wrong with them."""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from mmengine.structures import InstanceData

from mmdet_ohem.counts import Count

#: ``bboxes``, (n, 4), and ``scores``, (n,), of an image.
Entry = dict[str, np.ndarray]
#: Entries by the key of the image.
Proposals = Mapping[str, Entry]


class FoundBoxes(NamedTuple):
    """What was found in an image.

    Attributes:
        boxes: (n, 4) float32 xyxy edges, pixels of the original image.
        size: Width and height of the image, pixels.
        scores: (n,) float32; None where boxes have none.
    """

    boxes: np.ndarray
    size: tuple[int, int]
    scores: np.ndarray | None = None

    def entry(self) -> Entry:
        """As it stands in a proposal file."""
        entry = make_entry(self.boxes)
        if self.scores is not None:
            entry['scores'] = self.scores
        return entry


_EXPECTED = (
    "expected {'<folder>/<file name>': {'bboxes': (n, 4) array, "
    "'scores': (n,) array}}"
)


def make_entry(bboxes: np.ndarray) -> dict[str, np.ndarray]:
    """Makes the entry of an image whose boxes have no scores.

    Args:
        bboxes: ``(n, 4)`` xyxy edges, in any number type.

    Returns:
        ``bboxes``, ``(n, 4)`` float32, and ``scores``, ``(n,)`` float32
        zeros, which is what mmdet itself takes for missing scores.
    """
    return {
        'bboxes': np.asarray(bboxes, dtype=np.float32),
        'scores': np.zeros(len(bboxes), dtype=np.float32),
    }


def check_proposals(
    proposals: object, path: str | os.PathLike[str]
) -> dict[str, Entry]:
    """Checks all entries of a file.

    Args:
        proposals: What the file holds: a dict as mmdet 3.x reads it, whose
            values are dicts, or mmengine's ``InstanceData``, as mmdet's
            ``DumpProposals`` writes them.
        path: Of the file, for the message.

    Returns:
        The entries as float32 arrays; missing scores are zeros.

    Raises:
        ValueError: Names the file, the entry and the remedy.
    """
    if isinstance(proposals, list | tuple):
        raise ValueError(
            f'proposal file {os.fspath(path)} holds a '
            f'{type(proposals).__name__} of {len(proposals)} items, as for '
            f'mmdet 2.x; {_EXPECTED}: pair its items with the image list '
            'they were made for, or make the file again with '
            'mmdet-ohem proposals make'
        )
    if not isinstance(proposals, Mapping):
        raise ValueError(
            f'proposal file {os.fspath(path)} holds a '
            f'{type(proposals).__name__}; {_EXPECTED}: make it again with '
            'mmdet-ohem proposals make'
        )
    return {
        key: _check_entry(entry, f'proposal file {path}, entry {key!r}', key)
        for key, entry in proposals.items()
    }


def _check_entry(
    entry: object, where: str, key: object
) -> dict[str, np.ndarray]:
    """Returns one image's entry as float32 arrays."""
    if not isinstance(key, str):
        raise ValueError(
            f'{where}: the key is of type {type(key).__name__}; {_EXPECTED}: '
            'use the last folder and the file name of the image'
        )
    if isinstance(entry, InstanceData):
        entry = dict(entry.items())
    if not isinstance(entry, dict):
        raise ValueError(
            f'{where}: the value is of type {type(entry).__name__}; '
            f"{_EXPECTED}: wrap the boxes, {{'bboxes': boxes}}"
        )
    if 'bboxes' not in entry:
        raise ValueError(
            f"{where}: has no 'bboxes', only {sorted(map(str, entry))}; "
            f'{_EXPECTED}: rename or add the boxes'
        )
    bboxes = _as_float32(entry['bboxes'], f"{where}, 'bboxes'")
    if bboxes.size == 0 and bboxes.ndim < 3:
        bboxes = bboxes.reshape(0, 4)
    if bboxes.ndim != 2 or bboxes.shape[1] != 4:
        remedy = (
            "keep columns 0 to 3 and move column 4 to 'scores'"
            if bboxes.ndim == 2 and bboxes.shape[1] == 5
            else 'give one row (x1, y1, x2, y2) per box'
        )
        raise ValueError(
            f"{where}: 'bboxes' has shape {bboxes.shape}, expected (n, 4); "
            f'{remedy}'
        )
    scores = _as_float32(
        entry.get('scores', np.zeros(len(bboxes))), f"{where}, 'scores'"
    )
    if scores.shape != (len(bboxes),):
        raise ValueError(
            f"{where}: 'scores' has shape {scores.shape} for "
            f'{Count(len(bboxes)):box}, expected ({len(bboxes)},); give '
            "one score per box, or leave 'scores' out"
        )
    return {'bboxes': bboxes, 'scores': scores}


def _as_float32(values: Any, where: str) -> np.ndarray:
    """Returns finite numbers as a float32 array of any shape."""
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f'{where}: not an array of numbers ({error}); give a float32 '
            'ndarray'
        ) from error
    if not np.isfinite(array).all():
        raise ValueError(
            f'{where}: holds NaN or infinity, which makes every loss NaN; '
            'remove those boxes'
        )
    return array
