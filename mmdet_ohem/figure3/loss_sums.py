"""Mean losses over all RoIs, by what the RoIs are.

Shapes: ``R`` RoIs, ``S`` stages of a cascade (1 for a head without stages),
``K`` kinds of RoIs, ``C`` columns. Sums are float64 and are merged by adding
them up: images can be shared out among processes in any way.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mmdet_ohem.mining.roi_loss import RoILosses

#: Foreground; background with some overlap; background with hardly any.
KINDS = ('fg', 'near_bg', 'far_bg')
#: All kinds together, in :func:`mean_losses`.
ALL = 'all'
#: bg_lo of the heuristic of Fast R-CNN, section 3.1: it never samples
#: background below this IoU.
FAR_BG_IOU = 0.1

#: How figures and tables call the kinds of RoIs.
KIND_NAMES = {
    ALL: 'all RoIs',
    'fg': 'foreground',
    'near_bg': f'background, IoU ≥ {FAR_BG_IOU:g}',
    'far_bg': f'background, IoU < {FAR_BG_IOU:g}',
}

_COLUMNS = ('num_rois', 'non_finite', 'cls', 'loc')


class MeanLoss(NamedTuple):
    """Mean loss per RoI of one kind.

    Attributes:
        stage: Of a cascade, from 0.
        kind: One of :data:`KINDS`, or :data:`ALL`.
        num_rois: RoIs the mean is over.
        non_finite: Further RoIs, left out since their loss is not finite.
        cls: Classification; NaN where there is no RoI, as ``loc``.
        loc: Localisation, zero for background.
    """

    stage: int
    kind: str
    num_rois: int
    non_finite: int
    cls: float
    loc: float

    @property
    def total(self) -> float:
        """What Figure 3 of the paper shows."""
        return self.cls + self.loc


def no_sums(num_stages: int) -> Tensor:
    """Sums over no RoI at all, shape (S, K, C), float64."""
    return torch.zeros(
        num_stages, len(KINDS), len(_COLUMNS), dtype=torch.float64
    )


def sum_by_kind(
    losses: RoILosses, is_fg: Tensor, max_overlaps: Tensor
) -> Tensor:
    """Count RoIs and add up their losses.

    Args:
        losses: Of R RoIs.
        is_fg: Whether each is foreground, shape (R,), bool.
        max_overlaps: Largest IoU of each with the ground truth, shape (R,).

    Returns:
        A row for each kind, shape (K, C), float64, on the CPU.
    """
    cls, loc = losses.cls.double(), losses.loc.double()
    finite = cls.isfinite() & loc.isfinite()
    far = max_overlaps < FAR_BG_IOU
    rows = []
    for of_kind in (is_fg, ~is_fg & ~far, ~is_fg & far):
        counted = of_kind & finite
        rows.append(
            torch.stack(
                [
                    counted.sum().double(),
                    (of_kind & ~finite).sum().double(),
                    cls[counted].sum(),
                    loc[counted].sum(),
                ]
            )
        )
    return torch.stack(rows).cpu()


def mean_losses(sums: Tensor) -> list[MeanLoss]:
    """Divide by the number of RoIs: a global mean, not one of image means.

    Args:
        sums: Shape (S, K, C), of one or added up from several processes.

    Returns:
        For each stage :data:`ALL` RoIs, then each of :data:`KINDS`.
    """
    means = []
    for stage, of_stage in enumerate(sums):
        rows = torch.cat([of_stage.sum(0, keepdim=True), of_stage])
        for kind, row in zip((ALL, *KINDS), rows.tolist(), strict=True):
            num_rois, non_finite, cls, loc = row
            means.append(
                MeanLoss(
                    stage=stage,
                    kind=kind,
                    num_rois=int(num_rois),
                    non_finite=int(non_finite),
                    cls=cls / num_rois if num_rois else float('nan'),
                    loc=loc / num_rois if num_rois else float('nan'),
                )
            )
    return means


def pick_mean(
    means: Sequence[MeanLoss], stage: int = 0, kind: str = ALL
) -> MeanLoss | None:
    """The one of a stage and kind; None where there is no such stage."""
    for mean in means:
        if (mean.stage, mean.kind) == (stage, kind):
            return mean
    return None
