"""Joins the images of a dataset with the boxes of a proposal file."""

import logging
import os.path as osp
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmdet_ohem.proposals.box_checks import Findings, check_boxes
from mmdet_ohem.proposals.box_layout import guess_layout
from mmdet_ohem.proposals.proposal_file import (
    proposal_key,
    read_proposal_file,
)

# As many images tell which layout a file has; all of them would take long.
_NUM_FOR_LAYOUT = 200
_AGAIN = '. Remedy: make the file again by tools/make_proposals.py'


def join_proposals(
    data_list: Sequence[dict[str, Any]],
    proposal_file: str,
    ann_file: str,
    corners: str | None = None,
) -> Counter[str]:
    """Give each image its proposals, checked.

    Args:
        data_list: One dict an image, with ``img_path``, ``img_id``, ``width``
            and ``height``; it gets ``proposals``: ``bboxes``, (n, 4) float32
            xyxy edges inside the image, and ``scores``, (n,) float32.
        proposal_file: The file.
        ann_file: What lists the images, for the messages.
        corners: What the file holds, see :func:`read_proposal_file`.

    Returns:
        How many boxes were left out, and clipped.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is malformed, has no entry for some image, no usable
            box, or boxes that are not xyxy in pixels.
    """
    proposals, says_corners = read_proposal_file(proposal_file, corners)
    findings = Findings(proposal_file)
    missing = []
    # An image may be listed twice.
    unused = dict.fromkeys(proposals)
    for data_info in data_list:
        key = proposal_key(data_info['img_path'])
        unused.pop(key, None)
        if key in proposals:
            entry = proposals[key]
            data_info['proposals'] = _usable(entry, data_info, findings)
        else:
            missing.append(key)
    remake = (
        'Remedy: give the proposal file of this very list of images, or '
        f'make it: tools/make_proposals.py {ann_file} --img-dir '
        f'{osp.dirname(data_list[0]["img_path"])} --out FILE.pkl'
    )
    if missing:
        raise ValueError(
            f'{proposal_file} has no proposals for {len(missing)} '
            f'of {len(data_list)} images of {ann_file}, the '
            f'first is {missing[0]!r}. {remake}'
        )
    _refuse_other_layouts(data_list, proposals, findings, ann_file)
    _warn_of_unused(unused, proposal_file, ann_file, remake)
    _warn(findings)
    if not says_corners:
        _warn_of_corners(data_list, proposal_file)
    return Counter(
        {
            f'proposals {kind}': findings.count(kind)
            for kind in ('not finite', 'without area', 'beyond the image')
        }
    )


def _usable(
    entry: dict[str, np.ndarray], data_info: dict, findings: Findings
) -> dict[str, np.ndarray]:
    """Boxes that can be trained on, clipped to the image."""
    boxes, found = check_boxes(
        entry['bboxes'], data_info['width'], data_info['height']
    )
    name = str(data_info['img_id'])
    for kind, mask in found.items():
        findings.add(kind, name, int(mask.sum()))
    usable = ~(found['not finite'] | found['without area'])
    findings.add('no box', name, int(not usable.any()))
    return {'bboxes': boxes[usable], 'scores': entry['scores'][usable]}


def _refuse_other_layouts(
    data_list: Sequence[dict[str, Any]],
    proposals: dict[str, dict[str, np.ndarray]],
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
        '. Remedy: make it again by tools/make_proposals.py, or write the '
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
        f'{{count}} entries are of images that {ann_file} does not list: '
        f'{{names}}; they are not used. {remake}',
    )


def _warn(findings: Findings) -> None:
    left_out = 'left out {count} boxes in {images} images that are '
    findings.warn('not finite', left_out + 'not finite: {names}' + _AGAIN)
    findings.warn(
        'without area',
        left_out + 'without area inside the image: {names}' + _AGAIN,
    )
    findings.warn(
        'beyond the image',
        'clipped {count} boxes in {images} images that reach beyond the '
        'image: {names}. Remedy: if they are many, check that the boxes '
        'are xyxy in pixels of the original image',
    )
    findings.warn(
        'no box',
        '{images} images have no usable box: {names}. They are trained '
        'on with their ground truth alone and nothing is detected in '
        'them' + _AGAIN,
    )


def _warn_of_corners(
    data_list: Sequence[dict[str, Any]], proposal_file: str
) -> None:
    """Warn when a file of another program looks like inclusive corners.

    Selective search finds a box that ends at the right of nearly every
    image: with edges it ends at the width, with inclusive corners one pixel
    before it.
    """
    ends = [
        (entry['proposals']['bboxes'][:, 2].max(), entry['width'])
        for entry in data_list
        if len(entry['proposals']['bboxes']) and entry['width'] > 0
    ]
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
