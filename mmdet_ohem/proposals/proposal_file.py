"""Reads and writes mmdet's proposal file, one ``.pkl`` per dataset split.

The file is a pickled dict, one entry per image::

    {'JPEGImages/000005.jpg': {'bboxes': (n, 4), 'scores': (n,)}, ...}

Boxes are float32 ``(x1, y1, x2, y2)`` in pixels of the original image,
0-based, with inclusive corners, as VOC annotations are after mmdet's
``XMLDataset`` has read them: a box of one pixel has ``x1 == x2``.

Behind that dict the file may carry a second pickle that says how the boxes
were made. mmdet reads the first one only.
"""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Proposals = dict[str, dict[str, np.ndarray]]

_EXPECTED = (
    "expected {'<folder>/<file name>': {'bboxes': (n, 4) array, "
    "'scores': (n,) array}}"
)


def proposal_key(img_path: str | os.PathLike[str]) -> str:
    """Names an image as mmdet does: its last folder and its file name.

    Args:
        img_path: Path of the image, such as ``VOC2007/JPEGImages/000005.jpg``.

    Returns:
        The key, such as ``JPEGImages/000005.jpg``.
    """
    folder, name = os.path.split(os.fspath(img_path))
    return os.path.join(os.path.basename(folder), name)


def make_entry(bboxes: np.ndarray) -> dict[str, np.ndarray]:
    """Makes the entry of an image whose boxes have no scores.

    Args:
        bboxes: ``(n, 4)`` xyxy, in any number type.

    Returns:
        ``bboxes``, ``(n, 4)`` float32, and ``scores``, ``(n,)`` float32
        zeros, which is what mmdet itself takes for missing scores.
    """
    return {
        'bboxes': np.asarray(bboxes, dtype=np.float32),
        'scores': np.zeros(len(bboxes), dtype=np.float32),
    }


def save_proposals(
    path: str | os.PathLike[str],
    proposals: Proposals,
    made_with: Mapping[str, object] | None = None,
) -> None:
    """Writes a proposal file in one step: the whole file or none of it.

    Args:
        path: File to write; an existing one is replaced, missing folders are
            made.
        proposals: Boxes and scores by image, see the module's head.
        made_with: How the boxes were made, kept for :func:`load_made_with`.

    Raises:
        ValueError: An entry is malformed; nothing is written.
    """
    path = Path(path)
    checked = _check_proposals(proposals, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: os.replace is atomic only within a file system.
    temporary = path.with_name(f'{path.name}.{os.getpid()}.tmp')
    try:
        with temporary.open('wb') as file:
            pickle.dump(checked, file, protocol=4)
            if made_with is not None:
                pickle.dump(dict(made_with), file, protocol=4)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_proposals(path: str | os.PathLike[str]) -> Proposals:
    """Reads and checks a proposal file.

    The file is a pickle: open only files from people you trust.

    Args:
        path: The ``.pkl`` file.

    Returns:
        Per image ``bboxes``, ``(n, 4)`` float32 xyxy, and ``scores``,
        ``(n,)`` float32, zeros where the file has none.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a pickle, or not in mmdet 3.x's format;
            the message names the file, the entry and the remedy.
    """
    return _check_proposals(_unpickle(Path(path), count=1)[0], path)


def load_made_with(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """Reads how the boxes of a proposal file were made.

    Args:
        path: The ``.pkl`` file.

    Returns:
        What :func:`save_proposals` was given; None when the file says nothing,
        as one that another program wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a pickle.
    """
    parts = _unpickle(Path(path), count=2)
    made_with = parts[1] if len(parts) == 2 else None
    return made_with if isinstance(made_with, dict) else None


def _unpickle(path: Path, count: int) -> list[Any]:
    """Reads up to ``count`` objects; the first has to be there."""
    parts: list[Any] = []
    try:
        with path.open('rb') as file:
            for _ in range(count):
                parts.append(pickle.load(file))
    except FileNotFoundError:
        raise FileNotFoundError(
            f'proposal file {path} does not exist; make it with '
            'tools/make_proposals.py or correct the path (mmdet joins a '
            'relative proposal_file to data_root)'
        ) from None
    except OSError:
        raise
    # Damaged pickles raise nearly anything.
    except Exception as error:
        if not parts:
            raise ValueError(
                f'proposal file {path} is not a readable pickle '
                f'({type(error).__name__}: {error}); make it again with '
                'tools/make_proposals.py'
            ) from error
    return parts


def _check_proposals(
    proposals: object, path: str | os.PathLike[str]
) -> Proposals:
    """Returns the proposals as float32 arrays, or says what is wrong."""
    if isinstance(proposals, list | tuple):
        raise ValueError(
            f'proposal file {os.fspath(path)} holds a '
            f'{type(proposals).__name__} of {len(proposals)} items, as for '
            f'mmdet 2.x; {_EXPECTED}: pair its items with the image list '
            'they were made for, or make the file again with '
            'tools/make_proposals.py'
        )
    if not isinstance(proposals, dict):
        raise ValueError(
            f'proposal file {os.fspath(path)} holds a '
            f'{type(proposals).__name__}; {_EXPECTED}: make it again with '
            'tools/make_proposals.py'
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
            f"{where}: 'scores' has shape {scores.shape} for {len(bboxes)} "
            f'boxes, expected ({len(bboxes)},); give one score per box, or '
            "leave 'scores' out"
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
