"""Sums over RoIs that never make the host wait for the device.

Shapes: ``T`` kinds of sums, see ``TOTALS``.
"""

import torch
from torch import Tensor

from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.sampler_listener import SampledImage

#: Below this IoU with the ground truth the heuristic of Fast R-CNN (2015)
#: samples no background, section 3.1 of the paper.
HEURISTIC_BG_LO = 0.1

#: What is summed over images. 'sampled': trained on; 'scored': RoIs of which
#: the loss was computed; 'finite': of these, with a finite one; 'mined':
#: trained on because of it; 'weighted': with a weight of its own; 'effective':
#: how many RoIs of weight 1 spread as evenly as these weights do.
TOTALS = (
    'images',
    'rois',
    'fg',
    'sampled',
    'sampled_fg',
    'measured_bg',
    'far_bg',
    'scored_images',
    'scored',
    'finite',
    'kept',
    'mined',
    'loss',
    'mined_loss',
    'weighted_images',
    'effective',
)


class MiningStats:
    """What a sampler made of the RoIs of some images, added up.

    Sizes of tensors are known to the host and are added there. All else is
    added on the device: :meth:`add` launches a dozen small kernels and waits
    for none; only :meth:`totals` does.
    """

    def __init__(self) -> None:
        self._sums: dict[str, int | Tensor] = dict.fromkeys(TOTALS, 0)

    def add(self, image: SampledImage) -> None:
        """Add one image.

        Args:
            image: As the sampler left it.
        """
        assign_result, sampled = image.assign_result, image.sampling_result
        num_fg, num_bg = len(sampled.pos_inds), len(sampled.neg_inds)
        self._add('images', 1)
        self._add('rois', len(assign_result.gt_inds))
        self._add('fg', (assign_result.gt_inds > 0).sum())
        self._add('sampled', num_fg + num_bg)
        self._add('sampled_fg', num_fg)
        overlaps = assign_result.max_overlaps
        # Not known where no IoU is computed, as by HungarianAssigner.
        if overlaps is not None:
            is_far = overlaps[sampled.neg_inds] < HEURISTIC_BG_LO
            self._add('measured_bg', num_bg)
            self._add('far_bg', is_far.sum())
        if image.record is not None:
            self._add_losses(image.record)

    def totals(self) -> Tensor:
        """All sums, and the one place where the host waits for the device.

        Returns:
            In the order of ``TOTALS``, shape (T,), float64, on the CPU; what
            several processes add up.
        """
        sums = dict(self._sums)
        on_device = {
            name: value
            for name, value in sums.items()
            if isinstance(value, Tensor)
        }
        if on_device:
            values = torch.stack([v.double() for v in on_device.values()])
            sums.update(zip(on_device, values.tolist(), strict=True))
        return torch.tensor(list(sums.values()), dtype=torch.float64)

    def clear(self) -> None:
        """Forget everything that was added up."""
        self._sums = dict.fromkeys(TOTALS, 0)

    def _add_losses(self, record: MiningRecord) -> None:
        losses = record.losses
        is_finite = losses.isfinite()
        finite_losses = losses.where(is_finite, 0)
        self._add('scored_images', 1)
        self._add('scored', len(losses))
        self._add('finite', is_finite.sum())
        self._add('kept', len(record.kept))
        self._add('mined', len(record.hard))
        self._add('loss', finite_losses.sum(dtype=torch.float64))
        # A loss that is not finite is never mined.
        self._add('mined_loss', losses[record.hard].sum(dtype=torch.float64))
        if record.weights is not None and len(record.weights):
            weights = record.weights.double()
            # Kish's effective sample size.
            effective = weights.sum() ** 2 / (weights**2).sum().clamp(1e-12)
            self._add('weighted_images', 1)
            self._add('effective', effective)

    def _add(self, name: str, value: int | Tensor) -> None:
        self._sums[name] = self._sums[name] + value


def as_statistics(totals: Tensor) -> dict[str, float]:
    """Means and shares of sums over images.

    Args:
        totals: As of :meth:`MiningStats.totals`, shape (T,).

    Returns:
        The statistics that :class:`~mmdet_ohem.watch.MiningStatsHook`
        lists, without those that nothing is known of.
    """
    total = dict(zip(TOTALS, totals.tolist(), strict=True))
    if not total['images']:
        return {}
    statistics = {
        'num_rois': total['rois'] / total['images'],
        'num_sampled': total['sampled'] / total['images'],
        'fg_share': _percent(total['fg'], total['rois']),
        'sampled_fg_share': _percent(total['sampled_fg'], total['sampled']),
    }
    if total['measured_bg']:
        statistics['sampled_far_bg_share'] = _percent(
            total['far_bg'], total['measured_bg']
        )
    if total['scored_images']:
        non_finite = total['scored'] - total['finite']
        statistics['num_kept'] = total['kept'] / total['scored_images']
        statistics['non_finite_share'] = _percent(non_finite, total['scored'])
    if total['weighted_images']:
        statistics['num_effective'] = (
            total['effective'] / total['weighted_images']
        )
    if total['finite']:
        statistics['loss'] = total['loss'] / total['finite']
    if total['mined']:
        statistics['sampled_loss'] = total['mined_loss'] / total['mined']
    return statistics


def _percent(part: float, whole: float) -> float:
    return 100 * part / max(whole, 1)
