"""The finished images of this run and of earlier ones."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mmdet_ohem.counts import Count
from mmdet_ohem.proposals.journal import Journal, SettingsMismatchError
from mmdet_ohem.proposals.proposal_file import (
    Entry,
    Proposals,
    known_sizes,
    load_made_with,
    proposal_key,
    read_proposal_file,
    save_proposals,
)
from mmdet_ohem.proposals.store import ProposalStore
from mmdet_ohem.proposals.store_format import SUFFIX
from mmdet_ohem.proposals.store_writer import write_store


class Finished(Mapping[str, Entry]):
    """The boxes of all finished images, in the order of the list.

    Args:
        images: Paths by image id.
        earlier: Proposals of an earlier run, by the key of the image.
        journal: Of this run.
    """

    def __init__(
        self, images: Mapping[str, Path], earlier: Proposals, journal: Journal
    ) -> None:
        self._earlier = earlier
        self._journal = journal
        self._names = {
            proposal_key(path): name
            for name, path in images.items()
            if name in journal.counts or proposal_key(path) in earlier
        }

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, key: str) -> Entry:
        name = self._names[key]
        if name in self._journal.counts:
            return self._journal.read(name).entry()
        return self._earlier[key]

    def counts(self) -> list[int]:
        """Number of boxes of each image."""
        known = self._journal.counts
        return [
            known[name] if name in known else _count(self._earlier, key)
            for key, name in self._names.items()
        ]

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Of the images that are known, width and height by key."""
        known = self._journal.sizes
        return known_sizes(self._earlier) | {
            key: known[name]
            for key, name in self._names.items()
            if name in known
        }


def _count(proposals: Proposals, key: str) -> int:
    if isinstance(proposals, ProposalStore):
        return proposals.count(int(proposals.rows_of([key])[0]))
    return len(proposals[key]['bboxes'])


def write_finished(
    out: Path, finished: Finished, made_with: Mapping[str, object]
) -> None:
    """Writes a proposal file, unless no image is finished.

    Args:
        out: The file.
        finished: What goes into it.
        made_with: How the boxes were made.

    Raises:
        OSError: The file cannot be written.
    """
    if not finished:
        return
    if out.suffix == SUFFIX:
        write_store(out, finished, made_with, finished.sizes())
    else:
        save_proposals(out, finished, made_with)


def read_earlier(
    out: Path, made_with: Mapping[str, object], images: Mapping[str, Path]
) -> Proposals:
    """Reads an existing output, if it was made in the same way.

    Args:
        out: The file; there may be none.
        made_with: How the boxes are made now.
        images: Paths by image id.

    Returns:
        What it holds; empty if there is no such file.

    Raises:
        SettingsMismatchError: It was made in another way.
        ValueError: It holds other images, or two images have one key.
    """
    keys = {proposal_key(path) for path in images.values()}
    if len(keys) < len(images):
        raise ValueError(
            f'{Count(len(images)):image} share {Count(len(keys)):key}: mmdet '
            'tells images '
            'by their last folder and file name; make one proposal file per '
            'folder'
        )
    if not out.exists():
        return {}
    found = load_made_with(out)
    if found != made_with:
        raise SettingsMismatchError(
            f'{out} exists and was made with '
            f'{found or "settings it does not name"}, this run asks for '
            f'{made_with}; delete it or choose another output file'
        )
    proposals = read_proposal_file(out).proposals
    strange = [key for key in proposals if key not in keys]
    if strange:
        raise ValueError(
            f'{out} exists and has {Count(len(strange)):image} not in the '
            f'image list, such as {strange[0]!r}; delete it or choose another '
            'output file'
        )
    return proposals
