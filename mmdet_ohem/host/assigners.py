"""Whether an assigner gives any RoI to the background.

Relies on ``MaxIoUAssigner`` of mmdet 3.3.0, which looks whether
``neg_iou_thr`` is a ``float`` or a ``tuple``, and assigns no background at
all where it is something else, such as a list or the whole number 0.
"""

from typing import Any


def check_neg_iou_thr(assigner: Any) -> None:
    """Check the setting that says which RoIs are background.

    Args:
        assigner: Of a RoI head; one without ``neg_iou_thr`` is left alone.

    Raises:
        ValueError: mmdet would assign no background; says what to write.
    """
    thr = getattr(assigner, 'neg_iou_thr', None)
    if thr is None or isinstance(thr, float):
        return
    is_pair = isinstance(thr, list | tuple) and len(thr) == 2
    if is_pair and isinstance(thr, tuple) and thr[0] < thr[1]:
        return
    if is_pair:
        low, high = sorted(thr)
        remedy = f'neg_iou_thr=({low}, {high}), with round brackets'
    elif isinstance(thr, int):
        remedy = f'neg_iou_thr={float(thr)}, with a point'
    else:
        remedy = 'neg_iou_thr=0.5, or (0.1, 0.5) for bg_lo = 0.1'
    raise ValueError(
        f'neg_iou_thr of the assigner is {thr!r}, by which no RoI would be '
        f'background. Remedy: write {remedy}'
    )
