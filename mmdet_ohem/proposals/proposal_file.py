"""Reads and writes files of proposals, one per dataset split.

Three kinds, told apart by their suffixes:

- ``.safetensors``, the proposal store: :mod:`mmdet_ohem.proposals.store`;
- ``.pkl``, mmdet's own: :mod:`mmdet_ohem.proposals.pickled_proposals`;
- ``.mat``, Fast R-CNN's: :mod:`mmdet_ohem.proposals.matlab`.

Whatever the kind, the boxes that are read are float32 ``(x1, y1, x2, y2)``
edges in pixels of the original image, and nothing of the file is run.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmdet_ohem.proposals.box_corners import check_corners
from mmdet_ohem.proposals.matlab import convert_mat
from mmdet_ohem.proposals.pickled_proposals import (
    read_pickle,
    read_stamp,
    write_pickle,
)
from mmdet_ohem.proposals.proposal_entries import (
    Entry,
    Proposals,
    check_proposals,
    make_entry,
)
from mmdet_ohem.proposals.store import ProposalStore
from mmdet_ohem.proposals.store_format import SUFFIX
from mmdet_ohem.proposals.store_writer import Sizes, write_store

__all__ = [
    'Entry',
    'ProposalFile',
    'Proposals',
    'load_made_with',
    'load_proposals',
    'make_entry',
    'proposal_key',
    'read_proposal_file',
    'save_proposals',
]

#: What names of proposal files end with.
SUFFIXES = (SUFFIX, '.pkl', '.pickle', '.mat')


class ProposalFile(NamedTuple):
    """What a proposal file holds.

    Attributes:
        proposals: Boxes, xyxy edges, and scores by image; a store reads those
            of an image when they are asked for.
        says_corners: Whether it is certain which corners the file has:
            it was told, or the file says it.
    """

    proposals: Proposals
    says_corners: bool


def proposal_key(img_path: str | os.PathLike[str]) -> str:
    """Names an image as mmdet does: its last folder and its file name.

    Args:
        img_path: Path of the image, such as ``VOC2007/JPEGImages/000005.jpg``.

    Returns:
        The key, such as ``JPEGImages/000005.jpg``.
    """
    folder, name = os.path.split(os.fspath(img_path))
    return os.path.join(os.path.basename(folder), name)


def file_in_place(path: str | os.PathLike[str]) -> Path:
    """Finds a file that may have another suffix than it is asked for by.

    Configs name stores; who made a ``.pkl`` or has a ``.mat`` of that name
    need not make it again.

    Args:
        path: Of a proposal file.

    Returns:
        The same if it is there, else one beside it that differs in the suffix
        alone, else the same.
    """
    path = Path(path)
    others = [path.with_suffix(suffix) for suffix in SUFFIXES]
    return next((x for x in (path, *others) if x.exists()), path)


def save_proposals(
    path: str | os.PathLike[str],
    proposals: Proposals,
    made_with: Mapping[str, object] | None = None,
    sizes: Sizes | None = None,
) -> None:
    """Writes a proposal file in one step: the whole file or none of it.

    Args:
        path: File to write: a store where it ends in ``.safetensors``, else
            a pickle; an existing one is replaced, missing folders are made.
        proposals: Boxes, xyxy edges, and scores by image.
        made_with: How the boxes were made, kept for :func:`load_made_with`.
        sizes: Of a store: width and height of images, pixels, by key.

    Raises:
        ValueError: An entry is malformed; nothing is written.
        OSError: The file cannot be written; the error names it.
    """
    checked = check_proposals(proposals, path)
    if Path(path).suffix == SUFFIX:
        write_store(path, checked, made_with, sizes)
    else:
        write_pickle(path, checked, made_with or {})


def read_proposal_file(
    path: str | os.PathLike[str],
    corners: str | None = None,
    keys: Sequence[str] | None = None,
    trusted: bool = False,
) -> ProposalFile:
    """Reads and checks a proposal file.

    Args:
        path: The file.
        corners: ``'edges'`` or ``'inclusive'``: what the file holds, where it
            does not say so itself. None: a pickle of this package is read
            rightly, one of another program holds edges, as mmdet's do.
        keys: Of the images in the order of a ``.mat``, which does not name
            them.
        trusted: Run what a pickle asks for.

    Returns:
        Its proposals, and whether their corners are certain.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is none of the three kinds, damaged, or says that
            it holds other corners than ``corners``; the message names the
            file, the entry and the remedy.
    """
    check_corners(corners)
    suffix = Path(path).suffix
    if suffix == SUFFIX:
        store = ProposalStore(path)
        _refuse_other_corners(path, store.corners, corners)
        return ProposalFile(store, True)
    if suffix == '.mat':
        _refuse_other_corners(path, 'inclusive', corners)
        return ProposalFile(_read_mat(path, keys), True)
    found = read_pickle(path, corners, trusted)
    return ProposalFile(found.proposals, found.says_corners)


def load_proposals(
    path: str | os.PathLike[str], corners: str | None = None
) -> dict[str, Entry]:
    """Reads and checks a proposal file, all boxes into memory.

    Args:
        path: As for :func:`read_proposal_file`, as all arguments.
        corners: What the file holds, where it does not say so itself.

    Returns:
        Per image ``bboxes``, ``(n, 4)`` float32 xyxy edges, and ``scores``,
        ``(n,)`` float32, zeros where the file has none.

    Raises:
        FileNotFoundError, ValueError: As for :func:`read_proposal_file`.
    """
    return dict(read_proposal_file(path, corners).proposals)


def load_made_with(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """Reads how the boxes of a proposal file were made.

    Args:
        path: A store or a pickle.

    Returns:
        What :func:`save_proposals` was given; None when the file says nothing,
        as one that another program wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or something else.
    """
    if Path(path).suffix == SUFFIX:
        return ProposalStore(path).made_with or None
    return read_stamp(path) or None


def _read_mat(
    path: str | os.PathLike[str], keys: Sequence[str] | None
) -> dict[str, Entry]:
    if keys is None:
        raise ValueError(
            f'proposal file {path} does not name its images. Remedy: '
            'mmdet-ohem proposals convert, with the list of its images'
        )
    boxes = convert_mat(path, keys)
    return {key: make_entry(found) for key, found in boxes.items()}


def _refuse_other_corners(
    path: str | os.PathLike[str], found: str, asked: str | None
) -> None:
    if asked not in (None, found):
        raise ValueError(
            f'proposal file {path} says itself that its corners are {found}, '
            f'but {asked!r} was asked for; leave proposal_corners out of the '
            'dataset'
        )


def known_sizes(proposals: Proposals) -> dict[str, tuple[int, int]]:
    """Sizes of images that a store knows.

    Args:
        proposals: As they were read.

    Returns:
        Width and height, pixels, by key; empty for files of other kinds.
    """
    if not isinstance(proposals, ProposalStore):
        return {}
    return {
        key: (int(width), int(height))
        for key, (width, height) in zip(
            proposals, proposals.sizes, strict=True
        )
        if width > 0
    }
