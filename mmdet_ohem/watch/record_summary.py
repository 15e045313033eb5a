"""What a mining rule made of an image, in two lines."""

from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.watch.mining_stats import HEURISTIC_BG_LO


def summarize(record: MiningRecord) -> str:
    """What a picture does not show, as two short lines.

    Args:
        record: What the sampler made of the RoIs.

    Returns:
        Counts of foreground and background, and mean losses.
    """
    hard = record.hard
    is_bg = record.labels[hard] < 0
    num_bg = int(is_bg.sum())
    text = f'{len(hard) - num_bg} fg, {num_bg} bg'
    if record.max_overlaps is not None and num_bg:
        far = int((record.max_overlaps[hard][is_bg] < HEURISTIC_BG_LO).sum())
        text += f' ({100 * far / num_bg:.0f} % IoU < {HEURISTIC_BG_LO:g})'
    finite = record.losses[record.losses.isfinite()]
    return (
        f'{text}\nmean loss {_mean(record.losses[hard])}, of all '
        f'{Count(len(record.losses)):RoI} {_mean(finite)}'
    )


def _mean(losses: Tensor) -> str:
    return f'{losses.mean():.2f}' if len(losses) else '-'
