"""Keys that a config inherits from the sampler it had before."""

import logging
from collections.abc import Iterable, Sequence
from functools import cache

from mmengine.logging import print_log

from mmdet_ohem.mining.rules.rule import did_you_mean

_INHERITED = ('neg_pos_ub', 'pos_fraction')


def check_inherited_keys(
    sampler: str,
    known: Sequence[str],
    keys: Iterable[str],
    used: Iterable[str],
) -> None:
    """Report inherited keys without a use, refuse unknown ones.

    Args:
        sampler: Name of the sampler's class.
        known: Its own keys.
        keys: Keys of the config that the sampler itself does not have.
        used: Which of ``keys`` the rule or a warm-up uses.

    Raises:
        TypeError: A key is unknown.
    """
    unknown = sorted(set(keys) - set(_INHERITED))
    if unknown:
        meant = did_you_mean(unknown, [*known, *_INHERITED])
        raise TypeError(
            f'{sampler} has no key {", ".join(map(repr, unknown))}; it has '
            f'{", ".join(known)}{meant}. Only {" and ".join(_INHERITED)} of '
            'the sampler that a config had before may stay'
        )
    unused = tuple(sorted(set(keys) - set(used)))
    if unused:
        _report_unused(sampler, unused)


@cache
def _report_unused(sampler: str, keys: tuple[str, ...]) -> None:
    """Say it once a process; a cascade builds a sampler per stage."""
    print_log(
        f'{sampler} does not use {" and ".join(keys)}: its rule sets no ratio '
        'of foreground to background',
        logger='current',
        level=logging.INFO,
    )
