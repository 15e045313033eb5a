"""Proposals of one's own images, and how many of them to train on."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median, median_high

from mmdet_ohem.counts import Count
from mmdet_ohem.own_data.records import OwnData
from mmdet_ohem.progress import progress
from mmdet_ohem.proposals.make import MakeResult, make_proposals

# Selective search resizes images to it, and small ones not upwards.
_WIDTH = 500
# The paper trains on 64 of about 2000 RoIs. The NMS on the loss thins them, so
# that with few of them nothing is left to choose where num is not smaller.
_FEWEST, _MOST, _ROIS_A_NUM = 8, 64, 8


def propose(
    data: OwnData, splits: Iterable[str], out: Path, workers: int
) -> list[MakeResult]:
    """Run selective search over splits; what is there already stays.

    Args:
        data: Split and checked.
        splits: Their names, that of the training first.
        out: Folder of the config; files go into ``proposals`` below it.
        workers: Number of processes.

    Returns:
        What was done, by split.
    """
    results = []
    for split in splits:
        images = {data.name(x): x.path for x in data.of(split)}
        width = median_high(x.size[0] for x in data.of(split))
        with progress('images', f'selective search, {split}') as advance:
            result = make_proposals(
                images,
                out / f'proposals/{split}.safetensors',
                width=min(_WIDTH, width),
                num_workers=workers,
                on_progress=advance,
            )
        results.append(result)
    return results


def median_count(result: MakeResult) -> int:
    """How many proposals an image has.

    Args:
        result: Of a split.

    Returns:
        The median; 0 where all images failed.
    """
    return round(median(result.box_counts or [0]))


def choose_num(num_rois: int) -> int:
    """How many RoIs of an image to train on, as a power of two.

    Args:
        num_rois: Proposals that an image has, as a rule.

    Returns:
        At most an eighth of them, from 8 to the paper's 64.
    """
    wanted = max(1, num_rois // _ROIS_A_NUM)
    return min(_MOST, max(_FEWEST, 1 << (wanted.bit_length() - 1)))


def note_on_num(num: int, num_rois: int) -> str:
    """Say how many RoIs are trained on, and of how many.

    Args:
        num: Of the sampler.
        num_rois: As for :func:`choose_num`.
    """
    text = (
        f'images have {Count(num_rois):proposal} (median), and OHEM trains on '
        f'the {num} hardest of each (num): one of {num_rois / num:.0f}'
    )
    if num_rois < _ROIS_A_NUM * num:
        text += (
            ', which leaves little to choose from. Remedy: more proposals, '
            'by mmdet-ohem proposals make --mode quality, or larger images'
        )
    return text
