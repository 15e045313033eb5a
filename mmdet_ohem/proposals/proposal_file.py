"""Reads and writes mmdet's proposal file, one ``.pkl`` per dataset split.

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
from mmdet_ohem.proposals.box_corners import (
    CORNERS,
    check_corners,
    to_edges,
)
from mmdet_ohem.proposals.proposal_entries import (
    Proposals,
    check_proposals,
    make_entry,
)

__all__ = [
    'ProposalFile',
    'Proposals',
    'load_made_with',
    'load_proposals',
    'make_entry',
    'proposal_key',
    'read_proposal_file',
    'save_proposals',
]


class ProposalFile(NamedTuple):
    """What a proposal file holds.

    Attributes:
        proposals: Boxes, xyxy edges, and scores by image.
        says_corners: Whether it is certain which corners the file has:
            it was told, or this package wrote the file.
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


def save_proposals(
    path: str | os.PathLike[str],
    proposals: Proposals,
    made_with: Mapping[str, object] | None = None,
) -> None:
    """Writes a proposal file in one step: the whole file or none of it.

    Args:
        path: File to write; an existing one is replaced, missing folders are
            made.
        proposals: Boxes, xyxy edges, and scores by image, see the module's
            head.
        made_with: How the boxes were made, kept for :func:`load_made_with`.

    Raises:
        ValueError: An entry is malformed; nothing is written.
        OSError: The file cannot be written; the error names it.
    """
    checked = check_proposals(proposals, path)
    stamp = {**(made_with or {}), 'corners': 'edges'}
    with replacing(path) as temporary, temporary.open('wb') as file:
        pickle.dump(checked, file, protocol=4)
        pickle.dump(stamp, file, protocol=4)


def read_proposal_file(
    path: str | os.PathLike[str], corners: str | None = None
) -> ProposalFile:
    """Reads and checks a proposal file.

    The file is a pickle, of which nothing is run: one that asks for anything
    but numbers, arrays and plain values is refused. mmdet's ``DumpProposals``
    writes instances in place of dicts; both are read.

    Args:
        path: The ``.pkl`` file.
        corners: ``'edges'`` or ``'inclusive'``: what the file holds, where it
            does not say so itself. None: see the module's head.

    Returns:
        Its proposals, and whether their corners are certain.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a pickle, not in mmdet 3.x's format, or
            says that it holds other corners than ``corners``; the message
            names the file, the entry and the remedy.
    """
    check_corners(corners)
    content, stamp = _unpickle(Path(path))
    proposals = check_proposals(content, path)
    if _corners_of(stamp, corners, path) == 'inclusive':
        for entry in proposals.values():
            entry['bboxes'] = to_edges(entry['bboxes'])
    return ProposalFile(proposals, not (stamp is None and corners is None))


def load_proposals(
    path: str | os.PathLike[str], corners: str | None = None
) -> Proposals:
    """Reads and checks a proposal file.

    Args:
        path: As for :func:`read_proposal_file`, as all arguments.
        corners: What the file holds, where it does not say so itself.

    Returns:
        Per image ``bboxes``, ``(n, 4)`` float32 xyxy edges, and ``scores``,
        ``(n,)`` float32, zeros where the file has none.

    Raises:
        FileNotFoundError, ValueError: As for :func:`read_proposal_file`.
    """
    return read_proposal_file(path, corners).proposals


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
    _, stamp = _unpickle(Path(path))
    made_with = {k: v for k, v in (stamp or {}).items() if k != 'corners'}
    return made_with or None


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
            f'{CORNERS}; make it again with tools/make_proposals.py'
        )
    if given not in (None, found):
        raise ValueError(
            f'proposal file {path} says itself that its corners are {found}, '
            f'but {given!r} was asked for; leave proposal_corners out of the '
            'dataset'
        )
    return found


def _unpickle(path: Path) -> tuple[Any, dict[str, Any] | None]:
    """Reads the entries, and the second pickle if it is there and a dict."""
    try:
        content, *behind = read_pickles(
            path,
            at_most=2,
            remedy='make it again with tools/make_proposals.py',
        )
    except FileNotFoundError:
        raise FileNotFoundError(
            f'proposal file {path} does not exist; make it with '
            'tools/make_proposals.py or correct the path (mmdet joins a '
            'relative proposal_file to data_root)'
        ) from None
    except ValueError as error:
        raise ValueError(f'proposal file {error}') from error
    stamp = behind[0] if behind else None
    return content, stamp if isinstance(stamp, dict) else None
