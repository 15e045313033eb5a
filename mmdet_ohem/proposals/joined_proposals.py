"""The proposals of a dataset's images, one image at a time."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mmdet_ohem.proposals.box_checks import Findings, check_boxes
from mmdet_ohem.proposals.proposal_file import (
    Entry,
    Proposals,
    proposal_key,
)
from mmdet_ohem.proposals.store import ProposalStore


class JoinedProposals:
    """The proposals of a dataset's images, read when they are asked for.

    Args:
        proposals: By the key of the image.
        left_out: How many boxes of the dataset's images are left out, and
            clipped.
    """

    def __init__(self, proposals: Proposals, left_out: Counter[str]) -> None:
        self.left_out = left_out
        self._proposals = proposals

    def __deepcopy__(self, memo: dict) -> 'JoinedProposals':
        return self  # nothing in it changes

    def of(self, data_info: Mapping[str, Any]) -> Entry:
        """Proposals of an image that can be trained on.

        Args:
            data_info: Of the image: ``img_path``, ``width`` and ``height``.

        Returns:
            ``bboxes``, (n, 4) float32 xyxy edges inside the image, and
            ``scores``, (n,) float32.
        """
        entry, is_usable = read_entry(self._proposals, data_info)
        return entry if is_usable else usable_entry(entry, data_info)


def read_entry(
    proposals: Proposals, data_info: Mapping[str, Any]
) -> tuple[Entry, bool]:
    """Read an image's boxes as they stand in the file.

    Args:
        proposals: By the key of the image.
        data_info: Of the image.

    Returns:
        Its entry, and whether it is certain that all boxes can be used.
    """
    key = proposal_key(data_info['img_path'])
    if not isinstance(proposals, ProposalStore):
        return proposals[key], False
    row = int(proposals.rows_of([key])[0])
    size = data_info['width'], data_info['height']
    return proposals.read(row), proposals.is_usable(row, size)


def needs_no_look(proposals: Proposals, data_info: Mapping[str, Any]) -> bool:
    """Whether an image is known to have boxes, all of which can be used.

    Args:
        proposals: By the key of the image.
        data_info: Of the image.
    """
    if not isinstance(proposals, ProposalStore):
        return False
    row = int(proposals.rows_of([proposal_key(data_info['img_path'])])[0])
    size = data_info['width'], data_info['height']
    return proposals.is_usable(row, size) and proposals.count(row) > 0


def usable_entry(
    entry: Entry,
    data_info: Mapping[str, Any],
    findings: Findings | None = None,
) -> Entry:
    """Choose the boxes that can be trained on, clipped to the image.

    Args:
        entry: Of an image.
        data_info: Of the image.
        findings: Is told of the others.

    Returns:
        Another entry.
    """
    boxes, found = check_boxes(
        entry['bboxes'], data_info['width'], data_info['height']
    )
    usable = ~(found['not finite'] | found['without area'])
    if findings is not None:
        name = str(data_info['img_id'])
        for kind, mask in found.items():
            findings.add(kind, name, int(mask.sum()))
        findings.add('no box', name, int(not usable.any()))
    return {'bboxes': boxes[usable], 'scores': entry['scores'][usable]}
