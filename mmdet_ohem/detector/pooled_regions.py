"""The regions of RoIs, each pooled when it is asked for."""

from collections.abc import Callable, Sequence

from torch import Tensor


class PooledRegions:
    """What :class:`RegionExtractor` gives a box head.

    Pooled at once, all regions of a RoI would take ten times the memory of
    Fast R-CNN's one. So a head asks for one after the other, and without
    gradients only one is in memory at a time.

    Args:
        regions: Pool a region each.
        box: Pools what boxes are relocated by; None: there is no such region.
        semantic: Pools the features of the semantic branch; None: there is
            none.
    """

    def __init__(
        self,
        regions: Sequence[Callable[[], Tensor]],
        box: Callable[[], Tensor] | None = None,
        semantic: Callable[[], Tensor] | None = None,
    ) -> None:
        self._regions = tuple(regions)
        self._box = box
        self._semantic = semantic

    @property
    def kinds(self) -> tuple[int, bool, bool]:
        """Number of regions; whether one is for boxes, one semantic."""
        has_box = self._box is not None
        return len(self._regions), has_box, self._semantic is not None

    def pool(self, index: int) -> Tensor:
        """Pool a region.

        Args:
            index: Which.

        Returns:
            Shape (R, C, PH, PW).
        """
        return self._regions[index]()

    def pool_box(self) -> Tensor:
        """Pool what boxes are relocated by, shape (R, C, PH, PW)."""
        if self._box is None:
            raise ValueError('there is no region for box regression')
        return self._box()

    def pool_semantic(self) -> Tensor:
        """Pool the features of the semantic branch, shape (R, C, 9, 9)."""
        if self._semantic is None:
            raise ValueError('there is no semantic branch')
        return self._semantic()
