"""Joins the images of a dataset with the boxes of a proposal file."""

import logging
import os.path as osp
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mmengine.logging import print_log

from mmdet_ohem.counts import Count
from mmdet_ohem.proposals.box_checks import Findings
from mmdet_ohem.proposals.box_layout import guess_layout
from mmdet_ohem.proposals.joined_proposals import (
    JoinedProposals,
    needs_no_look,
    read_entry,
    usable_entry,
)
from mmdet_ohem.proposals.proposal_file import (
    Proposals,
    file_in_place,
    proposal_key,
    read_proposal_file,
)

# As many images tell which layout a file has; all of them would take long.
_NUM_FOR_LAYOUT = 200
_AGAIN = '. Remedy: make the file again by mmdet-ohem proposals make'


def join_proposals(
    data_list: Sequence[dict[str, Any]],
    proposal_file: str,
    ann_file: str,
    corners: str | None = None,
) -> JoinedProposals:
    """Find the proposals of each image, and check them.

    Of a store, only images are looked into of which it does not know that
    all of their boxes can be used.

    Args:
        data_list: One dict an image, with ``img_path``, ``img_id``, ``width``
            and ``height``, in the order of a ``.mat``.
        proposal_file: The file; where it is missing, one of another suffix
            takes its place.
        ann_file: What lists the images, for the messages.
        corners: What the file holds, see :func:`read_proposal_file`.

    Returns:
        What gives the proposals of each image.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is malformed, has no entry for some image, no usable
            box, or boxes that are not xyxy in pixels.
    """
    proposal_file = _in_place(proposal_file)
    keys = [proposal_key(x['img_path']) for x in data_list]
    proposals, says_corners = read_proposal_file(proposal_file, corners, keys)
    # An image may be listed twice.
    unused = dict.fromkeys(proposals)
    missing = [key for key in keys if key not in unused]
    for key in keys:
        unused.pop(key, None)
    remake = (
        'Remedy: give the proposal file of this very list of images, or '
        f'make it: mmdet-ohem proposals make {ann_file} --img-dir '
        f'{osp.dirname(data_list[0]["img_path"])} --out FILE.safetensors'
    )
    if missing:
        raise ValueError(
            f'{proposal_file} has no proposals for {len(missing)} '
            f'of {Count(len(data_list)):image} of {ann_file}, the '
            f'first is {missing[0]!r}. {remake}'
        )
    findings = Findings(proposal_file)
    ends = _look_at_all(data_list, proposals, findings)
    _refuse_other_layouts(data_list, proposals, findings, ann_file)
    _warn_of_unused(unused, proposal_file, ann_file, remake)
    _warn(findings)
    if not says_corners:
        _warn_of_corners(ends, proposal_file)
    left_out = Counter(
        {
            f'proposals {kind}': findings.count(kind)
            for kind in ('not finite', 'without area', 'beyond the image')
        }
    )
    return JoinedProposals(proposals, left_out)


def _in_place(proposal_file: str) -> str:
    """The file, or the one that takes its place."""
    found = str(file_in_place(proposal_file))
    if osp.abspath(found) != osp.abspath(proposal_file):
        print_log(
            f'{proposal_file} is not there; {found} is read in its place. '
            f'Remedy, also for its size in memory: mmdet-ohem proposals '
            f'convert {found} {proposal_file}',
            logger='current',
            level=logging.WARNING,
        )
    return found


def _look_at_all(
    data_list: Sequence[dict[str, Any]],
    proposals: Proposals,
    findings: Findings,
) -> list[tuple[float, int]]:
    """Note what cannot be used.

    Returns:
        Of images that were looked into and have boxes, where the last one
        ends at the right, and the width of the image.
    """
    ends = []
    for data_info in data_list:
        if needs_no_look(proposals, data_info):
            continue
        entry, _ = read_entry(proposals, data_info)
        boxes = usable_entry(entry, data_info, findings)['bboxes']
        if len(boxes) and data_info['width'] > 0:
            ends.append((float(boxes[:, 2].max()), data_info['width']))
    return ends


def _refuse_other_layouts(
    data_list: Sequence[dict[str, Any]],
    proposals: Proposals,
    findings: Findings,
    ann_file: str,
) -> None:
    """Refuse boxes that are not xyxy, with a guess of what they are."""
    step = max(1, len(data_list) // _NUM_FOR_LAYOUT)
    sample = data_list[::step]
    layout = guess_layout(
        [proposals[proposal_key(x['img_path'])]['bboxes'] for x in sample],
        [(x['width'], x['height']) for x in sample],
    )
    guess = f'. They look like {layout}' if layout else ''
    remedy = (
        '. Remedy: make it again by mmdet-ohem proposals make, or write the '
        'boxes as (x1, y1, x2, y2) in pixels of the original image'
    )
    if findings.count('no box') == len(data_list):
        raise ValueError(
            f'{findings.source} has no usable box for any image of '
            f'{ann_file}{guess}{remedy}'
        )
    if layout:
        raise ValueError(
            f'the boxes of {findings.source} are not (x1, y1, x2, y2) in '
            f'pixels of the images of {ann_file}{guess}{remedy}'
        )


def _warn_of_unused(
    unused: Iterable[str], proposal_file: str, ann_file: str, remake: str
) -> None:
    findings = Findings(proposal_file)
    for key in unused:
        findings.add('unused', key)
    findings.warn(
        'unused',
        f'{{count:entry}} {{count:is|are}} of images that {ann_file} does not '
        f'list: {{names}}; {{count:it is|they are}} not used. {remake}',
    )


def _warn(findings: Findings) -> None:
    left_out = 'left out {count:box} in {images:image} that {count:is|are} '
    findings.warn('not finite', left_out + 'not finite: {names}' + _AGAIN)
    findings.warn(
        'without area',
        left_out + 'without area inside the image: {names}' + _AGAIN,
    )
    findings.warn(
        'beyond the image',
        'clipped {count:box} in {images:image} that '
        '{count:reaches|reach} beyond the '
        'image: {names}. Remedy: if they are many, check that the boxes '
        'are xyxy in pixels of the original image',
    )
    findings.warn(
        'no box',
        '{images:image} {images:has|have} no usable box: {names}. Training '
        'takes the ground truth alone, and nothing is detected there' + _AGAIN,
    )


def _warn_of_corners(
    ends: Sequence[tuple[float, int]], proposal_file: str
) -> None:
    """Warn when a file of another program looks like inclusive corners.

    Selective search finds a box that ends at the right of nearly every
    image: with edges it ends at the width, with inclusive corners one pixel
    before it.
    """
    num_before = sum(end == width - 1 for end, width in ends)
    if any(end > width - 1 for end, width in ends) or (
        2 * num_before <= len(ends)
    ):
        return
    print_log(
        f'{proposal_file} does not say which corners it holds. They are '
        f'taken for edges, but in {num_before} of {len(ends)} images the '
        'last box ends one pixel before the right edge, as with inclusive '
        "corners. Remedy: proposal_corners='inclusive' in the dataset, or "
        "'edges' if that is what they are",
        logger='current',
        level=logging.WARNING,
    )
