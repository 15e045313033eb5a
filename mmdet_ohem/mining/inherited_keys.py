"""Keys that a config inherits from the sampler it had before."""

import logging
from collections.abc import Iterable
from functools import cache

from mmengine.logging import print_log

_UNUSED_KEYS = ('pos_fraction', 'neg_pos_ub')


def check_inherited_keys(keys: Iterable[str], used: bool) -> None:
    """Report inherited keys without a use, refuse unknown ones.

    Args:
        keys: Keys of the config that the sampler itself does not have.
        used: Whether those of a random sampler have a use, in a warm-up.

    Raises:
        TypeError: A key is unknown.
    """
    unknown = sorted(set(keys) - set(_UNUSED_KEYS))
    if unknown:
        known = 'num, nms_iou_thr, class_aware_nms, readonly_head, '
        raise TypeError(
            f'OHEMSampler has no key {", ".join(map(repr, unknown))}; it has '
            f'{known}add_gt_as_proposals, warmup_iters (and, but for a '
            f'warm-up, ignores {" and ".join(_UNUSED_KEYS)})'
        )
    unused = tuple(sorted(keys))
    if unused and not used:
        _report_unused(unused)


@cache
def _report_unused(keys: tuple[str, ...]) -> None:
    """Say it once a process; a cascade builds a sampler per stage."""
    print_log(
        f'OHEMSampler does not use {" and ".join(keys)}: foreground and '
        'background are ranked together',
        logger='current',
        level=logging.INFO,
    )
