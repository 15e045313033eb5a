"""Reads and writes files of boxes as Fast R-CNN and OHEM were trained on.

Their ``voc_<year>_<split>.mat`` holds, under ``boxes``, a cell array with one
K x 4 matrix per image, in the order of ``ImageSets/Main/<split>.txt``. Its
columns are (y1, x1, y2, x2), counted from 1. The ``*_boxes.mat`` of Fast
R-CNN's two demo images differ in all of that: one plain matrix, columns
(x1, y1, x2, y2), counted from 0. In all of them corners are inclusive: x2 is
the last pixel of the box.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmdet_ohem.counts import Count
from mmdet_ohem.host.files import replacing
from mmdet_ohem.proposals.box_corners import to_edges
from mmdet_ohem.proposals.selective_search import distinct_boxes

# Where x1, y1, x2, y2 stand in the file.
COLUMN_ORDERS = {'yxyx': (1, 0, 3, 2), 'xyxy': (0, 1, 2, 3)}
# The authors keep boxes with x2 - x1 >= 2 and y2 - y1 > 2 by the numbers of
# their last pixels: 3 pixels wide, and 4 high.
RELEASED_MIN_SIZE = (3, 4)


def convert_mat(
    mat_path: str | os.PathLike[str],
    image_ids: Sequence[str],
    column_order: str | None = None,
    base: int | None = None,
) -> dict[str, np.ndarray]:
    """Reads a ``.mat`` of proposals.

    Args:
        mat_path: The file.
        image_ids: One per image, in the order of the file.
        column_order: ``'yxyx'`` or ``'xyxy'``. None means ``'yxyx'`` for a
            cell array; a plain matrix needs it said.
        base: 1 or 0, the number of an image's first pixel. None means 1 for
            a cell array; a plain matrix needs it said.

    Returns:
        Boxes by image id: ``(n, 4)`` float32 xyxy edges, pixels of the
        original image. No box is dropped.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: SciPy is not installed.
        ValueError: The file can't be read, has another number of images than
            the list, or boxes that are none under the order and the base.
    """
    if column_order not in (None, *COLUMN_ORDERS):
        raise ValueError(
            f'column_order is {column_order!r}, expected one of '
            f'{tuple(COLUMN_ORDERS)}'
        )
    if base not in (None, 0, 1):
        raise ValueError(f'base is {base!r}, expected 0 or 1')
    cells = _read_boxes(Path(mat_path))
    if cells.dtype == object:
        matrices = list(cells.ravel())
        column_order = column_order or 'yxyx'
        base = 1 if base is None else base
    elif column_order is None or base is None:
        raise ValueError(
            f"{mat_path}: 'boxes' is one matrix of shape {cells.shape}, not a "
            'cell array, and nothing says its column order and base; give '
            "both: column_order='xyxy', base=0 for Fast R-CNN's demo files, "
            "column_order='yxyx', base=1 for selective search's own output"
        )
    else:
        matrices = [cells]
    if len(matrices) != len(image_ids):
        raise ValueError(
            f'{mat_path}: has boxes of {Count(len(matrices)):image}, the '
            'image list '
            f'has {len(image_ids)}; give the list of the same year and split, '
            'with nothing added, removed or moved'
        )
    return {
        image_id: _to_xyxy(
            matrix, column_order, base, f'{mat_path}, image {image_id!r}'
        )
        for image_id, matrix in zip(image_ids, matrices, strict=True)
    }


def write_mat(
    path: str | os.PathLike[str], boxes: Mapping[str, np.ndarray]
) -> None:
    """Writes a ``.mat`` as Fast R-CNN reads it: (y1, x1, y2, x2) from 1.

    Args:
        path: The file.
        boxes: ``(n, 4)`` float32 xyxy edges by the key of the image; the
            cells have their order, and ``images`` their names.

    Raises:
        ImportError: SciPy is not installed.
        OSError: The file cannot be written; the error names it.
    """
    _, savemat = _scipy_io()
    cells = np.empty((len(boxes), 1), object)
    names = np.empty((len(boxes), 1), object)
    for row, (key, image_boxes) in enumerate(boxes.items()):
        # Numbers of the last pixels from 1 are edges from 0.
        corners = image_boxes.astype(np.float64) + np.array([1, 1, 0, 0])
        cells[row, 0] = corners[:, COLUMN_ORDERS['yxyx']]
        names[row, 0] = os.path.splitext(os.path.basename(key))[0]
    with replacing(path) as temporary, temporary.open('wb') as file:
        savemat(file, {'boxes': cells, 'images': names}, do_compression=True)


def clean_as_released(boxes: np.ndarray) -> np.ndarray:
    """Drops what the authors' code drops of the boxes of a ``.mat``.

    Args:
        boxes: ``(n, 4)`` xyxy edges.

    Returns:
        ``(k, 4)``, in the same order: of equal boxes the first, and none less
        than 3 pixels wide or 4 pixels high.
    """
    return distinct_boxes(boxes, RELEASED_MIN_SIZE)


def _scipy_io() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What reads and writes a ``.mat``; it may be missing."""
    try:
        from scipy.io import loadmat, savemat
    except ImportError as error:
        raise ImportError(
            '.mat files need SciPy: pip install scipy'
        ) from error
    return loadmat, savemat


def _read_boxes(path: Path) -> np.ndarray:
    """Returns what stands under ``boxes``, a cell array or a matrix."""
    loadmat, _ = _scipy_io()
    if not path.is_file():
        raise FileNotFoundError(
            f'{path} does not exist; Fast R-CNN keeps its files in '
            'data/selective_search_data'
        )
    try:
        contents = loadmat(path)
    except NotImplementedError as error:
        raise ValueError(
            f'{path}: a MATLAB v7.3 file, which SciPy does not read; save it '
            'again with save(..., "-v7")'
        ) from error
    # Damaged files raise nearly anything.
    except Exception as error:
        raise ValueError(
            f'{path}: not a readable .mat file ({type(error).__name__}: '
            f'{error}); download it again'
        ) from error
    if 'boxes' not in contents:
        keys = sorted(key for key in contents if not key.startswith('__'))
        raise ValueError(
            f"{path}: has no key 'boxes', only {keys}; expected a file such "
            'as voc_2007_trainval.mat'
        )
    return contents['boxes']


def _to_xyxy(
    matrix: Any,
    column_order: str,
    base: int,
    where: str,
) -> np.ndarray:
    """Returns one image's matrix as ``(n, 4)`` float32 xyxy edges."""
    raw = np.asarray(matrix)
    if raw.size == 0:
        return np.zeros((0, 4), dtype=np.float32)
    if raw.ndim != 2 or raw.shape[1] != 4 or raw.dtype.kind not in 'uif':
        raise ValueError(
            f'{where}: boxes of shape {raw.shape} and type {raw.dtype}, '
            'expected a K x 4 matrix of numbers'
        )
    # Float first: unsigned zeros minus one would wrap around; and of double
    # precision, so that fractions lose nothing on the way.
    boxes = raw.astype(np.float64)[:, COLUMN_ORDERS[column_order]] - base
    good = (boxes[:, :2] >= 0).all(1) & (boxes[:, 2:] >= boxes[:, :2]).all(1)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f'{where}: row {row}, {raw[row].tolist()}, is no box under '
            f'column_order={column_order!r}, base={base}; correct these '
            'settings'
        )
    return to_edges(boxes).astype(np.float32)
