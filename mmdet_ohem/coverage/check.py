"""A dataset against its proposals: what is wrong, and what is covered."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmdet_ohem.counts import Count
from mmdet_ohem.coverage.coverage import Coverage, ImageCoverage, cover_image
from mmdet_ohem.coverage.image_source import ImageSource, objects_of
from mmdet_ohem.doctor.finding import (
    ERROR,
    Finding,
    error,
    from_exception,
    ok,
    warning,
)
from mmdet_ohem.host.log_capture import captured_warnings
from mmdet_ohem.proposals.box_checks import first_few
from mmdet_ohem.proposals.join_proposals import join_proposals
from mmdet_ohem.proposals.joined_proposals import JoinedProposals
from mmdet_ohem.proposals.proposal_file import (
    file_in_place,
    proposal_key,
    read_proposal_file,
)


@dataclass
class CheckResult:
    """What was found.

    Attributes:
        findings: A line each.
        coverage: Of the images that have proposals; None where these, or the
            dataset, cannot be read.
        images: What is known of each of these images, by name.
        proposals: Of these images.
    """

    findings: list[Finding] = field(default_factory=list)
    coverage: Coverage | None = None
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    proposals: JoinedProposals | None = None

    @property
    def would_fail(self) -> bool:
        """Whether a training on this dataset and file ends in an error."""
        return any(x.level == ERROR for x in self.findings)


def check_source(
    source: ImageSource, on_progress: Callable[[int, int], None] | None = None
) -> CheckResult:
    """Look at a dataset and its proposals as a training does, and further.

    Args:
        source: The two.
        on_progress: Called with the images done and to do.

    Returns:
        All that was found; nothing is raised for what is wrong with them.
    """
    result = CheckResult()
    data_list = _load(source, result)
    if data_list:
        data_list = _with_proposals(source, data_list, result)
    if data_list:
        _join(source, data_list, result)
    if result.proposals is not None:
        _cover(source, data_list, result, on_progress)
    return result


def _load(source: ImageSource, result: CheckResult) -> list[dict[str, Any]]:
    """All images of the dataset; none where it cannot be loaded."""
    failed: Finding | None = None
    with captured_warnings() as messages:
        try:
            source.dataset.full_init()
        except Exception as raised:
            failed = from_exception('dataset', raised)
    result.findings += [warning('dataset', x) for x in messages]
    if failed is not None:
        result.findings.append(failed)
        return []
    num = len(source.dataset)
    result.findings.append(ok('dataset', f'{source.name}: {Count(num):image}'))
    data_list = [source.dataset.get_data_info(i) for i in range(num)]
    result.findings += _odd_objects(data_list)
    return data_list


def _odd_objects(data_list: list[dict[str, Any]]) -> Iterator[Finding]:
    """Objects that can be trained on, but are hardly meant so."""
    thin, twice = [], []
    for data_info in data_list:
        boxes, labels = objects_of(data_info)
        name = str(data_info['img_id'])
        sizes = boxes[:, 2:] - boxes[:, :2]
        thin += [name] * int((sizes <= 1).any(1).sum())
        rows = np.column_stack([boxes, labels])
        twice += [name] * (len(rows) - len(np.unique(rows, axis=0)))
    if thin:
        yield warning(
            'objects',
            f'{Count(len(thin)):object} {Count(len(thin)):is|are} at most one '
            'pixel wide or high, which '
            f'no proposal covers: {first_few(thin)}. Remedy: correct or '
            'delete them, they are likely slips of the mouse',
        )
    if twice:
        yield warning(
            'objects',
            f'{Count(len(twice)):object} {Count(len(twice)):is|are} annotated '
            'twice, by the same box and '
            f'class: {first_few(twice)}. Remedy: delete one of each two',
        )


def _with_proposals(
    source: ImageSource, data_list: list[dict[str, Any]], result: CheckResult
) -> list[dict[str, Any]]:
    """The images that the file has."""
    keys = [proposal_key(x['img_path']) for x in data_list]
    try:
        found = read_proposal_file(
            file_in_place(source.proposal_file), source.corners, keys
        )
    except Exception as raised:
        result.findings.append(from_exception('proposals', raised))
        return []
    there = set(found.proposals)
    missing = [key for key in keys if key not in there]
    if missing:
        result.findings.append(
            error(
                'missing',
                f'{source.proposal_file} has no proposals for {len(missing)} '
                f'of {Count(len(keys)):image}: {first_few(missing)}. Remedy: '
                'make '
                'them by the command that made the file, which does only '
                'these, or take the images out of the list',
            )
        )
    return [x for x, key in zip(data_list, keys, strict=True) if key in there]


def _join(
    source: ImageSource, data_list: list[dict[str, Any]], result: CheckResult
) -> None:
    """Look at the boxes as a training does."""
    with captured_warnings() as messages:
        try:
            result.proposals = join_proposals(
                data_list, source.proposal_file, source.name, source.corners
            )
        except Exception as raised:
            result.findings.append(from_exception('boxes', raised))
    result.findings += [warning('boxes', x) for x in messages]


def _cover(
    source: ImageSource,
    data_list: list[dict[str, Any]],
    result: CheckResult,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Compare proposals and objects, an image at a time."""
    assert result.proposals is not None
    covered: list[ImageCoverage] = []
    for number, data_info in enumerate(data_list):
        if on_progress:
            on_progress(number, len(data_list))
        name = str(data_info['img_id'])
        try:
            boxes = result.proposals.of(data_info)['bboxes']
        except ValueError as raised:  # damaged on the disk
            result.findings.append(from_exception('boxes', raised))
            continue
        result.images[name] = data_info
        covered.append(cover_image(name, *objects_of(data_info), boxes))
    if on_progress:
        on_progress(len(data_list), len(data_list))
    result.coverage = Coverage(covered, source.dataset.metainfo['classes'])
    counts = result.coverage.counts
    if len(counts):
        result.findings.append(
            ok(
                'boxes per image',
                f'mean {counts.mean():.1f}, median {np.median(counts):.0f}, '
                f'{counts.min()} to {counts.max()}',
            )
        )
