"""Turns a proposal file of one kind into another."""

import logging
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmengine.logging import print_log

from mmdet_ohem.proposals.box_corners import check_corners
from mmdet_ohem.proposals.finished import read_earlier
from mmdet_ohem.proposals.image_headers import read_header
from mmdet_ohem.proposals.make import MakeResult
from mmdet_ohem.proposals.matlab import (
    clean_as_released,
    convert_mat,
    write_mat,
)
from mmdet_ohem.proposals.pickled_proposals import read_pickle
from mmdet_ohem.proposals.proposal_file import (
    SUFFIXES,
    Proposals,
    known_sizes,
    make_entry,
    proposal_key,
    save_proposals,
)
from mmdet_ohem.proposals.store import ProposalStore
from mmdet_ohem.proposals.store_format import SUFFIX
from mmdet_ohem.proposals.store_writer import write_store


def convert_proposals(
    images: Mapping[str, Path],
    mat_path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    column_order: str | None = None,
    base: int | None = None,
    keep_all: bool = False,
) -> MakeResult:
    """Writes a proposal file with the boxes of Fast R-CNN's ``.mat``.

    The authors train and test on distinct boxes of at least 3 x 4 pixels
    only; so are the boxes written here.

    Args:
        images: Paths by image id, in the order of the ``.mat``. They need
            not exist.
        mat_path: The ``.mat``.
        out: The file to write, ``.safetensors`` or ``.pkl``.
        column_order: See :func:`convert_mat`.
        base: See :func:`convert_mat`.
        keep_all: Write duplicates and small boxes as well.

    Returns:
        What was written; nothing is skipped and nothing fails alone.

    Raises:
        SettingsMismatchError: ``out`` exists and was made in another way.
        ValueError: See :func:`convert_mat`.
    """
    out = Path(out)
    start = time.monotonic()
    boxes = convert_mat(mat_path, list(images), column_order, base)
    if not keep_all:
        boxes = {name: clean_as_released(x) for name, x in boxes.items()}
    made_with = {
        'method': 'mat',
        'file': Path(mat_path).name,
        'column_order': column_order,
        'base': base,
        'keep_all': keep_all,
    }
    read_earlier(out, made_with, images)
    entries = {
        proposal_key(images[name]): make_entry(image_boxes)
        for name, image_boxes in boxes.items()
    }
    save_proposals(out, entries, made_with, sizes_of(images.values()))
    counts = [len(b) for b in boxes.values()]
    return MakeResult(out, counts, 0, [], time.monotonic() - start)


def convert_file(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    images: Mapping[str, Path] | None = None,
    corners: str | None = None,
    mat_layout: tuple[str | None, int | None] = (None, None),
    trusted: bool = False,
) -> MakeResult:
    """Converts between store, pickle and ``.mat``; every box is kept.

    Args:
        source: The file to read.
        out: The file to write; it must not exist.
        images: Paths by image id. From and to a ``.mat`` they are its images,
            in its order. Their sizes go into a store, where they exist.
        corners: What a pickle of another program holds, ``'edges'`` or
            ``'inclusive'``; None: edges, as mmdet's.
        mat_layout: Column order and base, see :func:`convert_mat`.
        trusted: Run what a pickle asks for.

    Returns:
        What was written. A ``.mat`` has no scores: they are left out.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A file is no proposal file, damaged, or lacks an image.
        FileExistsError: ``out`` is there.
    """
    source, out = Path(source), Path(out)
    start = time.monotonic()
    check_corners(corners)
    if out.suffix not in SUFFIXES:
        raise ValueError(
            f'{out} is to be written, which ends in {out.suffix!r}; expected '
            f'one of {SUFFIXES}'
        )
    if out.exists():
        raise FileExistsError(
            f'{out} is there already; delete it, or choose another file'
        )
    proposals, made_with = _read(source, images, corners, mat_layout, trusted)
    keys = list(proposals)
    if out.suffix == '.mat':
        if images is not None:
            keys = _listed(proposals, images, source)
        write_mat(out, {key: proposals[key]['bboxes'] for key in keys})
    elif out.suffix == SUFFIX:
        sizes = known_sizes(proposals) | sizes_of((images or {}).values())
        write_store(out, proposals, made_with, sizes)
    else:
        save_proposals(out, proposals, made_with)
    counts = [len(proposals[key]['bboxes']) for key in keys]
    return MakeResult(out, counts, 0, [], time.monotonic() - start)


def sizes_of(paths: Iterable[Path]) -> dict[str, tuple[int, int]]:
    """Sizes of the images that can be read.

    Args:
        paths: Of the images; some may be missing.

    Returns:
        Width and height, pixels, by the key of the image.
    """
    sizes = {}
    for path in paths:
        header = read_header(path)
        if not header.problem:
            sizes[proposal_key(path)] = header.width, header.height
    return sizes


def _read(
    source: Path,
    images: Mapping[str, Path] | None,
    corners: str | None,
    mat_layout: tuple[str | None, int | None],
    trusted: bool,
) -> tuple[Proposals, dict[str, object]]:
    """Proposals, and how they were made."""
    if source.suffix == SUFFIX:
        store = ProposalStore(source)
        return store, store.made_with
    if source.suffix != '.mat':
        found = read_pickle(source, corners, trusted)
        if not found.says_corners:
            print_log(
                f'{source} does not say which corners it holds; they are '
                "taken for edges, as mmdet's are. Remedy, if x2 and y2 are "
                'the last pixels of a box: --corners inclusive',
                logger='current',
                level=logging.WARNING,
            )
        return found.proposals, found.made_with
    if images is None:
        raise ValueError(
            f'{source} does not name its images. Remedy: --image-list with '
            'the list of its year and split, and --img-dir'
        )
    order, base = mat_layout
    boxes = convert_mat(source, list(images), order, base)
    made_with: dict[str, object] = {
        'method': 'mat',
        'file': source.name,
        'column_order': order,
        'base': base,
        'keep_all': True,
    }
    entries = {
        proposal_key(images[name]): make_entry(found)
        for name, found in boxes.items()
    }
    return entries, made_with


def _listed(
    proposals: Proposals, images: Mapping[str, Path], source: Path
) -> list[str]:
    """Keys in the order of a list."""
    keys = [proposal_key(path) for path in images.values()]
    missing = [key for key in keys if key not in proposals]
    if missing:
        raise ValueError(
            f'{source} has no boxes for {len(missing)} of {len(keys)} images '
            f'of the list, the first is {missing[0]!r}. Remedy: give the list '
            'of its images'
        )
    return keys
