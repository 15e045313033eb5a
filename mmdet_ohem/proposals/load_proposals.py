"""Loads the proposals of an image as the authors' code does."""

import numpy as np
from mmcv.transforms import BaseTransform

from mmdet_ohem.proposals.matlab import RELEASED_MIN_SIZE
from mmdet_ohem.proposals.selective_search import first_of_equals
from mmdet_ohem.registry import TRANSFORMS

ORDERS = ('file', 'scores')


@TRANSFORMS.register_module()
class LoadProposals(BaseTransform):
    """Choose and order an image's proposals.

    Takes the place of mmdet's transform of this name, which only cuts the
    list. By default it does what the authors' code does: boxes stay in the
    order of the file, of equal ones the first is kept, small ones go, and all
    others are trained on.

    In: ``proposals``, a dict of ``bboxes``, (n, 4) xyxy edges in pixels of
    the original image, and, if any, ``scores``, (n,).

    Out: ``proposals``, (k, 4) float32, and ``proposals_scores``, (k,)
    float32, zeros where there are none.

    Args:
        num_max_proposals: How many are kept in the end, the first ones of the
            order. None: all. The authors keep 2000 for COCO.
        order: ``'file'``, or ``'scores'``, the highest first; of equal scores
            the first in the file.
        drop_duplicates: Whether of equal boxes only the first is kept.
        min_size: Least width and height, pixels; the authors' boxes are at
            least 3 pixels wide and 4 high. ``(0, 0)`` keeps all.

    Raises:
        ValueError: A setting is something else.
    """

    def __init__(
        self,
        num_max_proposals: int | None = None,
        order: str = 'file',
        drop_duplicates: bool = True,
        min_size: tuple[float, float] = RELEASED_MIN_SIZE,
    ) -> None:
        if order not in ORDERS:
            raise ValueError(f'order is {order!r}, expected one of {ORDERS}')
        if num_max_proposals is not None and num_max_proposals < 1:
            raise ValueError(
                f'num_max_proposals is {num_max_proposals}, expected at '
                'least 1, or None for all'
            )
        if len(min_size) != 2:
            raise ValueError(
                f'min_size is {min_size!r}, expected (width, height), pixels'
            )
        self.num_max_proposals = num_max_proposals
        self.order = order
        self.drop_duplicates = drop_duplicates
        self.min_size = tuple(min_size)

    def transform(self, results: dict) -> dict:
        """Choose the proposals of an image.

        Args:
            results: Of the image.

        Returns:
            The same dict.

        Raises:
            KeyError: The dataset has no proposals.
        """
        if 'proposals' not in results:
            raise KeyError(
                'there are no proposals to load. Remedy: proposal_file in '
                'the dataset'
            )
        found = results['proposals']
        boxes = np.asarray(found['bboxes'], np.float32).reshape(-1, 4)
        scores = np.zeros(len(boxes), np.float32)
        if 'scores' in found:
            scores = np.asarray(found['scores'], np.float32)
        kept = self._choose(boxes, scores)
        results['proposals'] = boxes[kept]
        results['proposals_scores'] = scores[kept]
        return results

    def _choose(self, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Indices of the boxes that are kept, in their order."""
        if self.drop_duplicates:
            kept = first_of_equals(boxes)
        else:
            kept = np.arange(len(boxes))
        sizes = boxes[kept, 2:] - boxes[kept, :2]
        kept = kept[(sizes >= self.min_size).all(1)]
        if self.order == 'scores':
            kept = kept[np.argsort(-scores[kept], kind='stable')]
        return kept[: self.num_max_proposals]

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_max_proposals='
            f'{self.num_max_proposals}, order={self.order!r}, '
            f'drop_duplicates={self.drop_duplicates}, '
            f'min_size={self.min_size})'
        )
