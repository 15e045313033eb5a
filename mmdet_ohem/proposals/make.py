"""Makes proposal files: many images, several processes, resumable."""

import functools
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdet_ohem.proposals.hopeless import why_hopeless
from mmdet_ohem.proposals.image_headers import read_image
from mmdet_ohem.proposals.journal import Journal, SettingsMismatchError
from mmdet_ohem.proposals.matlab import clean_as_released, convert_mat
from mmdet_ohem.proposals.proposal_file import (
    Proposals,
    load_made_with,
    load_proposals,
    make_entry,
    proposal_key,
    save_proposals,
)
from mmdet_ohem.proposals.selective_search import (
    check_opencv,
    check_settings,
    selective_search,
)
from mmdet_ohem.proposals.workers import run_in_workers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MakeResult:
    """What a run did.

    Attributes:
        out: The proposal file; not written when no image succeeded.
        box_counts: Number of boxes of each image in it.
        skipped: How many of these images earlier runs had done.
        failed: Id and reason of each image that is not in it.
        seconds: Wall time of the search.
    """

    out: Path
    box_counts: list[int]
    skipped: int
    failed: list[tuple[str, str]]
    seconds: float

    @property
    def written(self) -> int:
        """Number of images in the file."""
        return len(self.box_counts)


def make_proposals(
    images: Mapping[str, Path],
    out: str | os.PathLike[str],
    mode: str = 'fast',
    width: int = 500,
    num_workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
    search: Callable[..., np.ndarray] = selective_search,
) -> MakeResult:
    """Runs selective search over images and writes a proposal file.

    Finished images are kept in ``<out>.partial`` at once. Called again after
    an interruption, or after a failed image was mended, it does what is left.
    An image that can't be read is logged and left out of the file, which is
    then shorter than the image list.

    Args:
        images: Paths by image id.
        out: The ``.pkl`` to write.
        mode: See :func:`selective_search`.
        width: See :func:`selective_search`.
        num_workers: Number of processes.
        on_progress: Called with the images done and to do, from (0, all).
        search: What finds boxes, called as ``search(img, mode=, width=)``;
            picklable if there are several workers.

    Returns:
        What was written, skipped and failed.

    Raises:
        SettingsMismatchError: ``out`` or ``<out>.partial`` exists and was
            made with other settings.
        ImportError: OpenCV has no contrib modules.
        ValueError: A setting is bad, or a file is in the way, or the first
            images all fail for one kind of reason.
    """
    check_settings(mode, width)
    if num_workers < 1:
        raise ValueError(f'num_workers is {num_workers}, expected at least 1')
    if search is selective_search:
        check_opencv()
    out = Path(out)
    made_with = {'method': 'selective_search', 'mode': mode, 'width': width}
    done = _read_earlier(out, made_with, images)
    find_boxes = functools.partial(search, mode=mode, width=width)
    start = time.monotonic()
    with Journal(out.with_name(f'{out.name}.partial'), made_with) as journal:
        done |= journal.boxes
        todo = {k: path for k, path in images.items() if k not in done}
        failed = _search_images(
            todo, find_boxes, journal, num_workers, on_progress
        )
        seconds = time.monotonic() - start
        done |= journal.boxes
        # In the list's order, however the processes finished.
        done = {name: done[name] for name in images if name in done}
        if done:
            save_proposals(out, _to_entries(done, images), made_with)
        journal.remove()
    counts = [len(boxes) for boxes in done.values()]
    return MakeResult(out, counts, len(images) - len(todo), failed, seconds)


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
        out: The ``.pkl`` to write.
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
    _read_earlier(out, made_with, images)
    save_proposals(out, _to_entries(boxes, images), made_with)
    counts = [len(b) for b in boxes.values()]
    return MakeResult(out, counts, 0, [], time.monotonic() - start)


def _search_images(
    images: Mapping[str, Path],
    find_boxes: Callable[[np.ndarray], np.ndarray],
    journal: Journal,
    num_workers: int,
    on_progress: Callable[[int, int], None] | None,
) -> list[tuple[str, str]]:
    """Puts the boxes of images into the journal; returns what failed."""
    failed = []
    if on_progress:
        on_progress(0, len(images))
    function = functools.partial(_search_file, find_boxes=find_boxes)
    outcomes = run_in_workers(function, images, num_workers)
    for number, (image_id, boxes, error) in enumerate(outcomes, 1):
        if boxes is None:
            logger.warning('image %s failed: %s', image_id, error)
            failed.append((image_id, error))
            reason = why_hopeless(failed, number, len(images))
            if reason:
                if not journal.boxes:
                    journal.remove()
                raise ValueError(reason)
        else:
            journal.add(image_id, boxes)
        if on_progress:
            on_progress(number, len(images))
    return failed


def _read_earlier(
    out: Path, made_with: Mapping[str, object], images: Mapping[str, Path]
) -> dict[str, np.ndarray]:
    """Returns boxes by image id of an existing output; checks that it fits."""
    ids = {proposal_key(path): name for name, path in images.items()}
    if len(ids) < len(images):
        raise ValueError(
            f'{len(images)} images share {len(ids)} keys: mmdet tells images '
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
    proposals = load_proposals(out)
    strange = [key for key in proposals if key not in ids]
    if strange:
        raise ValueError(
            f'{out} exists and has {len(strange)} images that are not in the '
            f'image list, such as {strange[0]!r}; delete it or choose another '
            'output file'
        )
    return {ids[key]: entry['bboxes'] for key, entry in proposals.items()}


def _to_entries(
    boxes: Mapping[str, np.ndarray], images: Mapping[str, Path]
) -> Proposals:
    """Renames boxes by image id to mmdet's keys."""
    return {
        proposal_key(images[name]): make_entry(image_boxes)
        for name, image_boxes in boxes.items()
    }


def _search_file(
    path: Path, find_boxes: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Returns the boxes of an image file; runs in a worker."""
    return find_boxes(read_image(path))
