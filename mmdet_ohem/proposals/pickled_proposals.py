"""Reads and writes mmdet's proposal file, a pickle.

The file is a pickled dict, one entry per image::

    {'JPEGImages/000005.jpg': {'bboxes': (n, 4), 'scores': (n,)}, ...}

Boxes are float32 ``(x1, y1, x2, y2)`` edges in pixels of the original image:
a box of one pixel has ``x2 == x1 + 1``.

Behind that dict a file of ours has a second pickle, a dict that says
``corners='edges'`` and how the boxes were made. mmdet reads the first one
only. Which corners a file holds is decided so:

1. The second pickle says it: that counts.
2. There is a second pickle that does not say it: this package wrote the file
   before it said so. The corners are inclusive; they are converted.
3. There is no second pickle: another program wrote the file. The corners are
   edges, as mmdet's own ``DumpProposals`` writes them.

For files of the last two kinds the caller may say otherwise.
"""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmdet_ohem.host.files import replacing
from mmdet_ohem.host.safe_pickle import read_pickles
from mmdet_ohem.proposals.box_corners import CORNERS, to_edges
from mmdet_ohem.proposals.proposal_entries import (
    Entry,
    Proposals,
    check_proposals,
)

_REMAKE = 'make it again with mmdet-ohem proposals make'


class PickledProposals(NamedTuple):
    """What a pickle of proposals holds.

    Attributes:
        proposals: Boxes, xyxy edges, and scores by image.
        says_corners: Whether it is certain which corners the file has:
            it was told, or this package wrote the file.
        made_with: How the boxes were made; empty where the file says nothing.
    """

    proposals: dict[str, Entry]
    says_corners: bool
    made_with: dict[str, object]


def write_pickle(
    path: str | os.PathLike[str],
    proposals: Proposals,
    made_with: Mapping[str, object],
) -> None:
    """Write a pickle in one step: the whole file or none of it.

    Args:
        path: File to write; an existing one is replaced, missing folders are
            made.
        proposals: Boxes, xyxy edges, and scores by image.
        made_with: How the boxes were made.

    Raises:
        OSError: The file cannot be written; the error names it.
    """
    stamp = {**made_with, 'corners': 'edges'}
    with replacing(path) as temporary, temporary.open('wb') as file:
        pickle.dump(dict(proposals), file, protocol=4)
        pickle.dump(stamp, file, protocol=4)


def read_pickle(
    path: str | os.PathLike[str],
    corners: str | None = None,
    trusted: bool = False,
) -> PickledProposals:
    """Read and check a pickle, of which nothing is run.

    Args:
        path: The file. mmdet's ``DumpProposals`` writes instances in place of
            dicts; both are read.
        corners: ``'edges'`` or ``'inclusive'``: what the file holds, where it
            does not say so itself. None: see the module's head.
        trusted: Unpickle it as Python does, which runs what it asks for.

    Returns:
        All of it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a pickle, asks for more than numbers,
            arrays and plain values, is not in mmdet 3.x's format, or says
            that it holds other corners than ``corners``; the message names
            the file, the entry and the remedy.
    """
    content, stamp = _unpickle(Path(path), trusted)
    proposals = check_proposals(content, path)
    if _corners_of(stamp, corners, path) == 'inclusive':
        for entry in proposals.values():
            entry['bboxes'] = to_edges(entry['bboxes'])
    says_corners = not (stamp is None and corners is None)
    return PickledProposals(proposals, says_corners, _without_corners(stamp))


def read_stamp(path: str | os.PathLike[str]) -> dict[str, object]:
    """Read how the boxes of a pickle were made.

    Args:
        path: The file.

    Returns:
        What :func:`write_pickle` was given; empty when the file says nothing,
        as one that another program wrote.

    Raises:
        FileNotFoundError, ValueError: As for :func:`read_pickle`.
    """
    return _without_corners(_unpickle(Path(path), False)[1])


def _without_corners(stamp: dict[str, Any] | None) -> dict[str, object]:
    return {k: v for k, v in (stamp or {}).items() if k != 'corners'}


def _corners_of(
    stamp: dict[str, Any] | None,
    given: str | None,
    path: str | os.PathLike[str],
) -> str:
    """Which corners a file holds, see the module's head."""
    if stamp is None or 'corners' not in stamp:
        return given or ('edges' if stamp is None else 'inclusive')
    found = stamp['corners']
    if found not in CORNERS:
        raise ValueError(
            f'proposal file {path} says corners={found!r}, expected one of '
            f'{CORNERS}; {_REMAKE}'
        )
    if given not in (None, found):
        raise ValueError(
            f'proposal file {path} says itself that its corners are {found}, '
            f'but {given!r} was asked for; leave proposal_corners out of the '
            'dataset'
        )
    return found


def _unpickle(path: Path, trusted: bool) -> tuple[Any, dict[str, Any] | None]:
    """Reads the entries, and the second pickle if it is there and a dict."""
    if not path.exists():
        raise FileNotFoundError(
            f'proposal file {path} does not exist; make it with '
            'mmdet-ohem proposals make or correct the path (mmdet joins a '
            'relative proposal_file to data_root)'
        )
    if trusted:
        content, *behind = _run_pickles(path)
    else:
        try:
            content, *behind = read_pickles(
                path,
                at_most=2,
                remedy=f'{_REMAKE}; if you trust whoever made it, mmdet-ohem '
                'proposals convert --trusted',
            )
        except ValueError as error:
            raise ValueError(f'proposal file {error}') from error
    stamp = behind[0] if behind else None
    return content, stamp if isinstance(stamp, dict) else None


def _run_pickles(path: Path) -> list[Any]:
    """Unpickle one or two values as Python does."""
    with path.open('rb') as file:
        try:
            values = [pickle.load(file)]
            if file.peek(1):
                values.append(pickle.load(file))
        # Pickles raise anything.
        except Exception as error:
            raise ValueError(
                f'proposal file {path} is not a readable pickle '
                f'({type(error).__name__}: {error}). Remedy: {_REMAKE}'
            ) from error
    return values
