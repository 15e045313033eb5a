"""Which boxes can be trained on, and what to say of the others."""

import logging
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from mmdet_ohem.counts import Count

_NUM_NAMED = 5
# Not str.format: a path or class in the message may have braces.
_PLACE = re.compile('{(count|images|names)(?::([^{}]*))?}')


def check_boxes(
    boxes: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Clip boxes to the image and find those that cannot be used.

    Args:
        boxes: xyxy edges, in pixels of an image of ``width`` x ``height``,
            shape (n, 4). A size of 0 is unknown: no clipping.
        width: Of the image, pixels.
        height: Of the image, pixels.

    Returns:
        The clipped boxes, shape (n, 4), float32, and masks of shape (n,):
        'not finite', 'without area' (nothing of it lies inside the image;
        its width or height is 0, and the box coder takes the logarithm of
        them) and 'beyond the image' (usable, but clipped).
    """
    boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    finite = np.all(np.isfinite(boxes), axis=1)
    clipped = np.where(finite[:, None], boxes, 0)
    if width > 0 and height > 0:
        limits = np.array([width, height, width, height], np.float32)
        clipped = clipped.clip(0, limits)
    area = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    moved = np.any(clipped != boxes, axis=1)
    return clipped, {
        'not finite': ~finite,
        'without area': finite & ~area,
        'beyond the image': finite & area & moved,
    }


def first_few(
    names: Sequence[str], at_most: int = _NUM_NAMED, between: str = ', '
) -> str:
    """Name some of many.

    Args:
        names: Of images, or of files and what is wrong with them.
        at_most: How many are named; of the others it is said how many.
        between: What stands between two of them.
    """
    shown = between.join(names[:at_most])
    more = len(names) - at_most
    return f'{shown} and {more} more' if more > 0 else shown


class Findings:
    """Collect what was found in a data set; one warning a kind at the end.

    Args:
        source: What was read, named at the head of each warning.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._names: dict[str, list[str]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)

    def add(self, kind: str, name: str, count: int = 1) -> None:
        """Note ``count`` findings of a kind in the image called ``name``."""
        if count:
            self._counts[kind] += count
            self._names[kind].append(name)

    def count(self, kind: str) -> int:
        """How many of a kind there were."""
        return self._counts[kind]

    def warn(self, kind: str, message: str, at_most: int = _NUM_NAMED) -> None:
        """Warn once, if there was anything of this kind.

        Args:
            kind: As given to :meth:`add`.
            message: What it is and the remedy; ``{count:box}`` and
                ``{images:image}`` (how many, in formats of :class:`Count`) and
                ``{names}`` (of the first few) are filled in.
            at_most: How many images are named.
        """
        names = self._names[kind]
        if not names:
            return
        values: dict[str, Any] = {
            'count': Count(self._counts[kind]),
            'images': Count(len(names)),
            'names': first_few(names, at_most),
        }
        text = _PLACE.sub(lambda x: format(values[x[1]], x[2] or ''), message)
        print_log(
            f'{self.source}: {text}', logger='current', level=logging.WARNING
        )
