"""Makes proposal files: many images, several processes, resumable."""

import functools
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdet_ohem.proposals.cluster import run_on_cluster
from mmdet_ohem.proposals.finished import (
    Finished,
    read_earlier,
    write_finished,
)
from mmdet_ohem.proposals.hopeless import why_hopeless
from mmdet_ohem.proposals.image_headers import read_image
from mmdet_ohem.proposals.journal import Journal
from mmdet_ohem.proposals.proposal_entries import FoundBoxes
from mmdet_ohem.proposals.proposal_file import proposal_key
from mmdet_ohem.proposals.selective_search import (
    check_opencv,
    check_settings,
    selective_search,
)
from mmdet_ohem.proposals.store import ProposalStore
from mmdet_ohem.proposals.workers import Outcome, run_in_workers

logger = logging.getLogger(__name__)
#: Told the images done and to do.
OnProgress = Callable[[int, int], None]
#: Finds the boxes of images.
Run = Callable[[Mapping[str, Path]], Iterator[Outcome[FoundBoxes]]]


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
    on_progress: OnProgress | None = None,
    search: Callable[..., np.ndarray] = selective_search,
    scheduler: str | None = None,
) -> MakeResult:
    """Runs selective search over images and writes a proposal file.

    Args:
        images: Paths by image id.
        out: See :func:`make_file`.
        mode: See :func:`selective_search`.
        width: See :func:`selective_search`.
        num_workers: Number of processes.
        on_progress: See :func:`make_file`.
        search: What finds boxes, called as ``search(img, mode=, width=)``;
            picklable if there are several workers.
        scheduler: Address of a Dask cluster that does the work instead; its
            workers read the images by the same paths.

    Returns:
        What was written, skipped and failed.

    Raises:
        SettingsMismatchError, ValueError: See :func:`make_file`.
        ImportError: OpenCV has no contrib modules, or Dask is missing.
        ValueError: A setting is bad.
        OSError: There is no scheduler at the address.
    """
    check_settings(mode, width)
    if num_workers < 1:
        raise ValueError(f'num_workers is {num_workers}, expected at least 1')
    if search is selective_search:
        check_opencv()
    function = functools.partial(
        _search_file,
        find_boxes=functools.partial(search, mode=mode, width=width),
    )
    run = functools.partial(run_in_workers, function, num_workers=num_workers)
    if scheduler is not None:
        run = functools.partial(run_on_cluster, function, address=scheduler)
    made_with = {'method': 'selective_search', 'mode': mode, 'width': width}
    return make_file(images, out, made_with, run, on_progress)


def make_file(
    images: Mapping[str, Path],
    out: str | os.PathLike[str],
    made_with: Mapping[str, object],
    run: Run,
    on_progress: OnProgress | None = None,
) -> MakeResult:
    """Finds the boxes of images and writes a proposal file.

    Finished images are kept in ``<out>.partial`` at once. Called again after
    an interruption, or after a failed image was mended, it does what is left.
    An image that can't be read is logged and left out of the file, which is
    then shorter than the image list.

    Args:
        images: Paths by image id.
        out: The file to write, ``.safetensors`` or ``.pkl``.
        made_with: How the boxes are made; values that JSON has.
        run: Finds the boxes of some of the images, in any order.
        on_progress: Called with the images done and to do, from (0, all).

    Returns:
        What was written, skipped and failed.

    Raises:
        SettingsMismatchError: ``out`` or ``<out>.partial`` exists and was
            made with other settings.
        ValueError: A file is in the way, or the first images all fail for one
            kind of reason.
    """
    out = Path(out)
    earlier = read_earlier(out, made_with, images)
    start = time.monotonic()
    with Journal(out.with_name(f'{out.name}.partial'), made_with) as journal:
        todo = {
            name: path
            for name, path in images.items()
            if name not in journal.counts and proposal_key(path) not in earlier
        }
        failed = _find_boxes(todo, run, journal, on_progress)
        seconds = time.monotonic() - start
        finished = Finished(images, earlier, journal)
        # A store that has all of it is large, and stays.
        if journal.counts or not isinstance(earlier, ProposalStore):
            write_finished(out, finished, made_with)
        counts = finished.counts()
        journal.remove()
    return MakeResult(out, counts, len(images) - len(todo), failed, seconds)


def _find_boxes(
    images: Mapping[str, Path],
    run: Run,
    journal: Journal,
    on_progress: OnProgress | None,
) -> list[tuple[str, str]]:
    """Puts the boxes of images into the journal; returns what failed."""
    failed = []
    if on_progress:
        on_progress(0, len(images))
    for number, (image_id, found, error) in enumerate(run(images), 1):
        if found is None:
            logger.warning('image %s failed: %s', image_id, error)
            failed.append((image_id, error))
            reason = why_hopeless(failed, number, len(images))
            if reason:
                if not journal.counts:
                    journal.remove()
                raise ValueError(reason)
        else:
            journal.add(image_id, found)
        if on_progress:
            on_progress(number, len(images))
    return failed


def _search_file(
    path: Path, find_boxes: Callable[[np.ndarray], np.ndarray]
) -> FoundBoxes:
    """Returns the boxes of an image file; runs in a worker."""
    image = read_image(path)
    height, width = image.shape[:2]
    return FoundBoxes(find_boxes(image), (width, height))
